"""A border of one kind, small enough for a test: a ledger, a promoted bundle, a running server."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import SystemRandom
from typing import Any

import httpx
import lightgbm
import numpy as np

from features.catalogue import catalogue_for
from features.clock import now_micros, to_micros
from features.intake import conclude, declare
from features.ledger import Event, MovementDeclared, open_ledger
from features.pseudonyms import load_pseudonyms
from features.records import Outcome, Vehicle
from features.rows import feature_rows
from features.settings import Settings
from features.timeline import load_timeline
from models.bands import thresholds_at_capacity
from models.booster import TreeModel
from models.bundle import BundleParts, load_bundle, write_bundle
from models.calibration import fit_platt, similar_examinations
from models.defences import NONE
from models.pins import Pin, place_bundle, write_pin
from models.reference import reference_of
from models.threats import ThreatShares, base_rates
from models.trust import bundle_signing_key

ROOT = Path(__file__).resolve().parents[2]
ROUTES = ("DUN-DVR", "CAL-DVR", "HOO-HAR", "ROT-HUL")
RISKY_ROUTE, RISKY_HAULIER = "HOO-HAR", "XX000000007"
START_SECONDS = 60.0


DECLARED_AT = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)


def vehicle(number: int, **changes: Any) -> dict[str, Any]:
    """A score request; the same number is the same movement of the same haulier."""
    return {
        "kind": "vehicle",
        "movement_ref": f"LIVE-{number:06d}",
        "declared_at": DECLARED_AT.isoformat(),
        "route_id": ROUTES[number % 4],
        "haulier_eori": f"XX{number % 40:09d}",
        "vehicle_reg": f"REG {number % 90}",
        "gross_mass_kg": 9000 + 13 * (number % 500),
        **changes,
    }


def make_ledger(home: Path, movements: int = 900, days: int = 60, *, url: str | None = None) -> str:
    """A ledger of the last ``days``, with an outcome for every third movement; its URL.

    Args:
        url: of an empty ledger; by default SQLite in the home.
    """
    url = url or f"sqlite:///{home / 'ledger.db'}"
    pseudonyms = load_pseudonyms(home / "keys")
    random = np.random.default_rng(1)
    start = datetime.now(UTC) - timedelta(days=days)
    events: list[Event] = []
    for number in range(movements):
        declared = start + timedelta(days=days * number / movements)
        route, haulier = ROUTES[random.integers(4)], f"XX{random.integers(40):09d}"
        record = Vehicle(
            movement_ref=f"PAST-{number}",
            declared_at=declared,
            route_id=route,
            haulier_eori=haulier,
            vehicle_reg=f"REG {random.integers(90)}",
            gross_mass_kg=float(random.integers(1000, 40000)),
        )
        movement = declare(record, pseudonyms)
        stamp = to_micros(declared)
        events.append(
            Event(
                source="simulation",
                event_id=f"{movement.movement}:1",
                occurred_at=stamp,
                available_at=stamp,
                payload=movement,
            )
        )
        if number % 3:
            continue
        risk = 0.05 + 0.5 * (route == RISKY_ROUTE) + 0.3 * (haulier == RISKY_HAULIER)
        examined = declared + timedelta(hours=6)
        outcome = Outcome(
            event_id=f"PAST-{number}",
            movement_ref=record.movement_ref,
            outcome="positive" if random.random() < risk else "negative",
            examined_at=examined,
        )
        events.append(
            Event(
                source="simulation",
                event_id=pseudonyms.event(outcome.event_id),
                occurred_at=to_micros(examined),
                available_at=min(to_micros(examined), now_micros()),
                payload=conclude(outcome, "vehicle", pseudonyms),
            )
        )
    with closing(open_ledger(url)) as ledger:
        ledger.backfill(sorted(events, key=lambda event: event.available_at or 0))
    return url


def promote(home: Path, url: str, version: int, *, rounds: int = 20, **parameters: float) -> str:
    """Train a small vehicle model on the ledger, pin it; the sha256 of its bundle.

    Args:
        parameters: of LightGBM, for a model of another size.
    """
    with closing(open_ledger(url)) as ledger:
        timeline = load_timeline(ledger, available_before=now_micros())
    rows_of = timeline.of_kind("vehicle")
    known = timeline.outcomes.set_index("movement")["outcome"]
    payloads: list[MovementDeclared] = rows_of["payload"].tolist()
    catalogue = catalogue_for("vehicle", timeline.attributes("vehicle"))
    matrix = feature_rows(timeline, payloads, rows_of["declared_at"].to_numpy(), catalogue)
    labels = np.array(
        [
            {"positive": 1.0, "negative": 0.0}.get(known.get(m, ""), np.nan)
            for m in rows_of["movement"]
        ]
    )
    examined = ~np.isnan(labels)
    names = list(catalogue.names)
    learned = lightgbm.train(
        {
            "objective": "binary",
            "num_leaves": 7,
            "verbose": -1,
            "num_threads": 1,
            "seed": version,
            **parameters,
        },
        lightgbm.Dataset(matrix[examined], labels[examined], feature_name=names),
        num_boost_round=rounds + version,
    )
    model = TreeModel(learned.model_to_string())
    margins = model.margins(matrix)
    platt = fit_platt(margins[examined], labels[examined])
    probabilities = platt.probabilities(margins)
    target = home / "bundles" / f"vehicle-{version}"
    key = bundle_signing_key(Settings(home=home))
    sha256 = write_bundle(
        target,
        BundleParts(
            kind="vehicle",
            version=version,
            model_text=learned.model_to_string(),
            defences=NONE,
            calibration=platt,
            similar=similar_examinations(probabilities[examined], labels[examined]),
            threats=ThreatShares(base=base_rates(np.array([], dtype=np.int64)), finds=0),
            catalogue=catalogue,
            thresholds=thresholds_at_capacity(probabilities, 0.05, 0.25),
            reference=reference_of(names, matrix, probabilities),
            golden_rows=matrix[:8],
            metrics={},
            card="A test.",
            datasheet="made for a test",
            trained_until=now_micros(),
            simulated=True,
            data_sha256="0" * 64,
        ),
        key,
    )
    pin(home, target, version, sha256)
    return sha256


def pin(home: Path, bundle: Path, version: int, sha256: str) -> None:
    """Make the bundle the one that serves vehicles."""
    proven = load_bundle(bundle)
    name = place_bundle(home / "pins", proven)
    write_pin(
        home / "pins",
        Pin(
            kind="vehicle",
            version=version,
            bundle_sha256=sha256,
            signed_by=proven.signed_by.key_id,
            bundle=name,
            approvers=("A", "B"),
            promoted_at=now_micros(),
        ),
    )


def free_port() -> int:
    """Below those that the kernel gives to clients: a server takes it only seconds later."""
    while True:
        port = SystemRandom().randrange(20_000, 32_768)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def client(url: str) -> httpx.Client:
    """httpx otherwise loads all certificates for each client, which costs more than the test."""
    no_certificates = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.Client(base_url=url, timeout=10, verify=no_certificates, trust_env=False)


class Server:
    """``foreland serve`` in processes of its own; stopped by pid, whatever happens.

    Args:
        port: 0 for a free one.
    """

    port = 0

    def __init__(self, home: Path, *options: str, port: int = 0) -> None:
        self.port = port
        self._start(home, [sys.executable, "-m", "foreland", "serve", *options], ROOT, {})

    def _start(
        self, home: Path, command: list[str], directory: Path, environment: dict[str, str]
    ) -> None:
        self.port = self.port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = home / f"serve-{self.port}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--port", str(self.port)],
                cwd=directory,
                env={**os.environ, "FORELAND_HOME": str(home), **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self) -> None:
        end = time.monotonic() + START_SECONDS
        with client(self.url) as asking:
            while time.monotonic() < end and self._process.poll() is None:
                try:
                    if asking.get("/readyz", timeout=2).status_code == 200:
                        return
                except httpx.TransportError:
                    time.sleep(0.1)
        raise AssertionError(f"not ready: {self.log.read_text()}")

    def workers(self) -> list[int]:
        """Process ids; one that dies is replaced by another."""
        return _descendants(self._process.pid)

    def terminate(self) -> int:
        """SIGTERM, as an operator or a supervisor ends it; the exit status."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(30)

    def kill(self) -> None:
        """SIGKILL to the supervisor and all workers, if they still run."""
        for pid in [self._process.pid, *_descendants(self._process.pid)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait()


@contextmanager
def running(home: Path, *options: str) -> Iterator[Server]:
    with ready(Server(home, *options)) as server:
        yield server


@contextmanager
def ready(server: Server) -> Iterator[Server]:
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.kill()


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return found
    for child in map(int, children):
        found += [child, *_descendants(child)]
    return found


def as_json(response: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert response.status_code == status, response.text
    found: dict[str, Any] = json.loads(response.content)
    return found
