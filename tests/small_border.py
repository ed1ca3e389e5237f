"""A small border with a promoted vehicle model, and the site that is reported about it.

Vehicles from January to March 2026, the model trained on January and February; vessels in March
without a model; no shipments. Risky hauliers are found often, so that bands can separate.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import lightgbm
import numpy as np

from features.catalogue import catalogue_for
from features.clock import MICROS_PER_DAY, Micros, to_micros
from features.ledger import (
    ApprovalGiven,
    Event,
    MovementDeclared,
    OutcomeRecorded,
    Payload,
    open_ledger,
)
from features.rows import feature_rows
from features.settings import Settings
from features.timeline import Timeline, load_timeline
from models.bands import thresholds_at_capacity
from models.bundle import BundleParts, write_bundle
from models.calibration import fit_platt, similar_examinations
from models.defences import NONE
from models.pins import Pin, bundle_directory, write_pin
from models.reference import reference_of
from models.threats import ThreatShares, base_rates
from models.trust import bundle_signing_key
from monitoring.report import ReportResult, write_report

JANUARY = to_micros(datetime(2026, 1, 1, tzinfo=UTC))
TRAINED_UNTIL = to_micros(datetime(2026, 3, 1, tzinfo=UTC))
PROMOTED_AT = TRAINED_UNTIL + MICROS_PER_DAY
APPROVERS = ("A. <b>Ahmed</b>", "B. Brown & Co")
"""With what HTML must not take for markup."""
VEHICLES, VESSELS = 1_800, 60
DAYS = 90


def settings_at(home: Path) -> Settings:
    return Settings(home=home)


Alteration = Callable[[Event], Iterable[Event]]
"""What the ledger gets in place of an event."""


def fill_ledger(
    settings: Settings, *, source: str = "simulation", alter: Alteration = lambda event: (event,)
) -> None:
    """Movements and outcomes, all with their own clock; the same on every call."""
    rng = np.random.default_rng(8)
    events = [*_vehicles(rng, source), *_vessels(source)]
    with closing(open_ledger(settings.ledger)) as ledger:
        ledger.backfill(altered for event in events for altered in alter(event))


def _vehicles(rng: np.random.Generator, source: str) -> Iterator[Event]:
    moments = np.sort(rng.integers(0, DAYS * MICROS_PER_DAY, VEHICLES)) + JANUARY
    for number, moment in enumerate(moments.tolist()):
        risky = rng.random() < 0.15
        haulier = f"organisation:{'r' if risky else 'h'}{rng.integers(0, 10)}"
        entities = {"haulier_eori": haulier, "vehicle_reg": f"vehicle:{rng.integers(0, 300)}"}
        declared = MovementDeclared(
            kind="vehicle",
            movement=f"v{number:05d}",
            declared_at=moment,
            entities=entities if rng.random() < 0.95 else {"vehicle_reg": "vehicle:0"},
            fields={"route_id": "R1", "gross_mass_kg": float(rng.normal(20_000, 2_000))},
            flags=("check_digit:haulier_eori",) if rng.random() < 0.02 else (),
        )
        yield event(source, declared, moment)
        if rng.random() < (0.7 if risky else 0.3):
            found = rng.random() < (0.5 if risky else 0.02)
            examined = moment + MICROS_PER_DAY
            yield event(source, outcome(declared, examined, "positive" if found else "negative"))


def _vessels(source: str) -> Iterator[Event]:
    for number in range(VESSELS):
        moment = TRAINED_UNTIL + number * MICROS_PER_DAY // 4
        declared = MovementDeclared(
            kind="vessel", movement=f"s{number:05d}", declared_at=moment, fields={"port": "GBDVR"}
        )
        yield event(source, declared, moment)


def outcome(declared: MovementDeclared, examined_at: Micros, result: str) -> OutcomeRecorded:
    return OutcomeRecorded(
        kind=declared.kind, movement=declared.movement, examined_at=examined_at, outcome=result
    )


def event(source: str, payload: Payload, available_at: Micros | None = None) -> Event:
    """An event of a file; an outcome is known two days after the examination."""
    if isinstance(payload, OutcomeRecorded):
        available_at = payload.examined_at + 2 * MICROS_PER_DAY
        name = f"o-{payload.movement}"
    else:
        assert isinstance(payload, MovementDeclared)
        name = f"{payload.movement}:{payload.version}"
    return Event(
        source=source,
        event_id=name,
        occurred_at=available_at or 0,
        available_at=available_at,
        payload=payload,
    )


def promote_vehicle_model(
    settings: Settings, *, trained_until: Micros = TRAINED_UNTIL, simulated: bool = True
) -> Pin:
    """Train on what was known before ``trained_until``, write bundle and pin, log approvals."""
    with closing(open_ledger(settings.ledger)) as ledger:
        timeline = load_timeline(ledger, available_before=trained_until)
    parts = _train(timeline, trained_until, simulated)
    name = bundle_directory("vehicle", 1)
    key = bundle_signing_key(settings)
    sha256 = write_bundle(settings.pins / name, parts, key)
    pin = Pin(
        kind="vehicle",
        version=1,
        bundle_sha256=sha256,
        signed_by=key.key_id,
        bundle=name,
        approvers=APPROVERS,
        promoted_at=PROMOTED_AT,
    )
    write_pin(settings.pins, pin)
    with closing(open_ledger(settings.ledger)) as ledger:
        ledger.backfill(_approval(pin, approver) for approver in APPROVERS)
    return pin


def _approval(pin: Pin, approver: str) -> Event:
    given = ApprovalGiven(
        kind=pin.kind, version=pin.version, approver=approver, bundle_sha256=pin.bundle_sha256
    )
    return Event(
        source="training",
        event_id=approver,
        occurred_at=PROMOTED_AT,
        available_at=PROMOTED_AT,
        payload=given,
    )


def _train(timeline: Timeline, trained_until: Micros, simulated: bool) -> BundleParts:
    catalogue = catalogue_for("vehicle", {})
    movements = timeline.of_kind("vehicle")
    rows = feature_rows(
        timeline, list(movements["payload"]), movements["available_at"].to_numpy(), catalogue
    )
    labelled = movements.merge(timeline.outcomes[["movement", "outcome"]], on="movement")
    chosen = movements["movement"].isin(labelled["movement"]).to_numpy()
    labels = np.array(labelled["outcome"] == "positive", dtype=np.float64)
    booster = lightgbm.train(
        {"objective": "binary", "num_leaves": 4, "verbosity": -1, "num_threads": 1, "seed": 1},
        lightgbm.Dataset(rows[chosen], labels, feature_name=list(catalogue.names)),
        num_boost_round=20,
    )
    margins = np.asarray(booster.predict(rows, raw_score=True), dtype=np.float64)
    calibration = fit_platt(margins[chosen], labels)
    probabilities = calibration.probabilities(margins)
    return BundleParts(
        kind="vehicle",
        version=1,
        model_text=booster.model_to_string(),
        defences=NONE,
        calibration=calibration,
        similar=similar_examinations(probabilities[chosen], labels),
        threats=ThreatShares(base=base_rates(np.array([], dtype=np.int64)), finds=0),
        catalogue=catalogue,
        thresholds=thresholds_at_capacity(probabilities, 0.1, 0.2),
        reference=reference_of(catalogue.names, rows, probabilities),
        golden_rows=rows[:8],
        metrics={},
        card="made for a test",
        trained_until=trained_until,
        simulated=simulated,
        data_sha256="0" * 64,
    )


@contextmanager
def home_with_model(alter: Alteration | None = None) -> Iterator[Settings]:
    """A home of its own with ledger, bundle and pin, removed afterwards.

    With ``alter``: what happened is another story than the one the model learned from.
    """
    with tempfile.TemporaryDirectory(prefix="foreland-test-") as folder:
        home = Path(folder) / "home"
        shutil.copytree(_home(), home)
        settings = settings_at(home)
        if alter is not None:
            for file in home.glob("ledger.db*"):
                file.unlink()
            fill_ledger(settings, alter=alter)
        yield settings


@cache
def _home() -> Path:
    """Made once per test run; the folder goes with the process."""
    home = Path(_kept.name) / "home"
    fill_ledger(settings_at(home))
    promote_vehicle_model(settings_at(home))
    return home


@cache
def site_of_march() -> ReportResult:
    """The report about March 2026, Evidently annex and all, written once per test run."""
    return write_report(settings_at(_home()), "2026-03", Path(_kept.name) / "site")


_kept = tempfile.TemporaryDirectory(prefix="foreland-test-")
