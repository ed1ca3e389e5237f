"""Two registered versions on the same labels that neither has learned from."""

from collections.abc import Callable
from contextlib import ExitStack, closing

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.clock import iso, parse_day
from features.errors import InputError
from features.ledger import open_ledger
from features.settings import Settings
from features.timeline import load_timeline
from models.bootstrap import Interval, percentile_interval
from models.bundle import Bundle
from models.evaluation import FEWEST_FINDS, JUDGED_SHARE
from models.metrics import number_at
from models.paired import Paired, draw_days, log_losses, paired_measures
from models.reasons import reasons_for
from training.champion import registered_bundle
from training.judged import Judged, judged
from training.memberships import memberships

Floats = NDArray[np.float64]
_END_OF_TIME = 1 << 62
SHOWN = 5
"""Movements each way, of those that one version refers and the other does not."""
REASONS = 2
FEWEST_ROWS = 30
"""In a group, beside ``FEWEST_FINDS`` finds: smaller ones are counted and not shown."""


class Disagreement(msgspec.Struct, frozen=True, kw_only=True):
    """One movement that one version would refer at capacity and the other not."""

    movement: str
    """Pseudonym."""
    day: str
    found: bool
    first: float
    second: float
    """Probabilities."""
    first_reasons: tuple[str, ...]
    second_reasons: tuple[str, ...]


class GroupChange(msgspec.Struct, frozen=True, kw_only=True):
    """How much better the second version is for one group: less log loss a row is better."""

    group: str
    rows: int
    finds: int
    first_predicted: float
    second_predicted: float
    """Mean probability; compare with finds / rows."""
    gain: float
    """Mean log loss of the first less that of the second, in nats a row; above 0 gains."""
    interval: Interval | None
    says: str
    """``gains``, ``loses`` or ``not told apart``."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    first: int
    second: int
    since: str
    """Day on which the first compared movement became known."""
    rows: int
    finds: int
    days: int
    simulated: bool
    warning: str | None
    measures: tuple[Paired, ...]
    capacity: int
    """Movements that either version refers."""
    both: int
    """Movements that both refer."""
    only_first: int
    only_first_finds: int
    only_second: int
    only_second_finds: int
    disagreements: tuple[Disagreement, ...]
    """The strongest, those that only the second refers before those that only the first does."""
    groups: tuple[GroupChange, ...]
    """By gain, the largest first."""
    groups_too_small: int
    verdict: str


def compare(
    settings: Settings,
    kind: str,
    first: int,
    second: int,
    *,
    since: str | None = None,
    ledger_url: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> Comparison:
    """
    Args:
        since: a day; movements that became known before it are left out.

    Raises:
        InputError: a version is compared with itself.
        TrackingError: no such version.
        NothingToJudge: no matured label that neither has learned from.
    """
    say = progress or (lambda _: None)
    if first == second:
        raise InputError(f"version {first} is compared with itself; name two versions")
    say("opening MLflow")
    from training.tracking import Tracking  # seconds to import

    tracking = Tracking(settings, create=False)
    with ExitStack() as stack:
        ledger = stack.enter_context(
            closing(open_ledger(ledger_url or settings.ledger, create=False))
        )
        say("verifying the bundles")
        bundles = [
            stack.enter_context(registered_bundle(settings, tracking, kind, version))
            for version in (first, second)
        ]
        say("reading the ledger")
        timeline = load_timeline(ledger, available_before=_END_OF_TIME)
        say("building features for both")
        day = None if since is None else parse_day(since, "--since")
        rows = judged(timeline, bundles, since=day)
        say("comparing")
        return comparison(rows, bundles[0], bundles[1])


def comparison(rows: Judged, first: Bundle, second: Bundle) -> Comparison:
    """Pure: everything that the two say about the same rows."""
    one, other = rows.probabilities
    measures = paired_measures(one, other, rows.labels, rows.days, share=JUDGED_SHARE)
    capacity = number_at(JUDGED_SHARE, len(rows.labels))
    refers = [_top(probabilities, capacity) for probabilities in (one, other)]
    only_first, only_second = refers[0] & ~refers[1], refers[1] & ~refers[0]
    groups, too_small = _groups(rows, second)
    return Comparison(
        kind=first.kind,
        first=first.version,
        second=second.version,
        since=iso(rows.since)[:10],
        rows=len(rows.labels),
        finds=int(rows.labels.sum()),
        days=len(np.unique(rows.days)),
        simulated=rows.simulated,
        warning=rows.warning,
        measures=measures,
        capacity=capacity,
        both=int((refers[0] & refers[1]).sum()),
        only_first=int(only_first.sum()),
        only_first_finds=int(rows.labels[only_first].sum()),
        only_second=int(only_second.sum()),
        only_second_finds=int(rows.labels[only_second].sum()),
        disagreements=(
            *_strongest(rows, first, second, only_second, other - one),
            *_strongest(rows, first, second, only_first, one - other),
        ),
        groups=groups,
        groups_too_small=too_small,
        verdict=_verdict(rows, measures, first, second),
    )


def _top(probabilities: Floats, capacity: int) -> NDArray[np.bool_]:
    """The highest ``capacity`` of them; of equal ones, those that became known first."""
    chosen = np.zeros(len(probabilities), dtype=bool)
    chosen[np.argsort(-probabilities, kind="stable")[:capacity]] = True
    return chosen


def _strongest(
    rows: Judged, first: Bundle, second: Bundle, chosen: NDArray[np.bool_], by: Floats
) -> list[Disagreement]:
    at = np.flatnonzero(chosen)
    at = at[np.argsort(-by[at], kind="stable")][:SHOWN]
    return [
        Disagreement(
            movement=rows.movements[i].movement,
            day=iso(int(rows.as_of[i]))[:10],
            found=bool(rows.labels[i]),
            first=float(rows.probabilities[0][i]),
            second=float(rows.probabilities[1][i]),
            first_reasons=_reasons(first, rows.rows[0][i]),
            second_reasons=_reasons(second, rows.rows[1][i]),
        )
        for i in at.tolist()
    ]


def _reasons(bundle: Bundle, row: Floats) -> tuple[str, ...]:
    return tuple(
        f"{reason.effect}: {reason.sentence}" for reason in reasons_for(bundle, row, limit=REASONS)
    )


def _groups(rows: Judged, bundle: Bundle) -> tuple[tuple[GroupChange, ...], int]:
    """Those with enough data, and how many were too small."""
    members = memberships(rows.movements, rows.rows[1], bundle.catalogue)
    gains = log_losses(rows.probabilities[0], rows.labels)
    gains = gains - log_losses(rows.probabilities[1], rows.labels)
    found = []
    for name, inside in members.items():
        finds = int(rows.labels[inside].sum())
        if inside.sum() < FEWEST_ROWS or finds < FEWEST_FINDS or inside.all():
            continue
        found.append(_group_change(": ".join(name), rows, inside, finds, gains))
    return tuple(sorted(found, key=lambda one: -one.gain)), len(members) - len(found)


def _group_change(
    name: str, rows: Judged, inside: NDArray[np.bool_], finds: int, gains: Floats
) -> GroupChange:
    draws = draw_days(rows.days[inside])
    interval = None if draws is None else percentile_interval(draws.means(gains[inside]))
    says = "not told apart"
    if interval is not None and (interval[0] > 0.0 or interval[1] < 0.0):
        says = "gains" if interval[0] > 0.0 else "loses"
    return GroupChange(
        group=name,
        rows=int(inside.sum()),
        finds=finds,
        first_predicted=float(rows.probabilities[0][inside].mean()),
        second_predicted=float(rows.probabilities[1][inside].mean()),
        gain=float(gains[inside].mean()),
        interval=interval,
        says=says,
    )


def _verdict(rows: Judged, measures: tuple[Paired, ...], first: Bundle, second: Bundle) -> str:
    """One plain sentence."""
    simulated = "Simulated data. " if rows.simulated else ""
    finds = int(rows.labels.sum())
    if not rows.can_be_judged:
        return f"{simulated}Too few finds ({finds}) or clean examinations to tell the two apart."
    precision, auc = measures[0], measures[1]
    what = f"version {second.version} is {{}} version {first.version}"
    words = {
        "better": "better than",
        "worse": "worse than",
        "not told apart": "not told apart from",
    }
    return (
        f"{simulated}In {precision.measure} {what.format(words[precision.says])}, in ranking "
        f"{words[auc.says]} it ({len(rows.labels):,} examined movements, {finds:,} finds)."
    )
