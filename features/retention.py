"""What is kept no longer than it must be: movements erased by rule, holds respected.

A rule names a kind, what its examination ended in, and an age. A movement goes as a whole: its
versions, outcomes, decisions, re-assessments and cancellations, and with them what the audit table
holds of its assessments, because all of these are sealed under keys that are destroyed together.
Positions, clocks and chain stay, and the ledger says that something was there and by which rule it
went.

Rules are read in order and the first that fits counts; a movement that no rule fits is kept.
"""

import hashlib
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, get_args

import msgspec
from msgspec import Meta

from features.clock import MICROS_PER_DAY, Micros
from features.errors import InputError
from features.history.view import LABELS, Counted, Standing, heard_of
from features.ledger import (
    Appended,
    DecisionTaken,
    ErasedCount,
    Event,
    EventSource,
    HoldLifted,
    HoldPlaced,
    Ledger,
    MovementReassessed,
    Recorded,
    RecordsErased,
)

SOURCE = "retention"
OF_A_MOVEMENT = Counted | DecisionTaken | MovementReassessed | HoldPlaced | HoldLifted
"""The payloads that are about one movement, and go with it."""
Ended = Literal["unlabelled", "negative", "positive", "any"]
"""``unlabelled``: nobody examined it, or the examination ended in no label."""

EXAMPLE = """[[rule]]
name = "unlabelled movements"   # said in the ledger and in every training record after it
kind = "vehicle"                # leave it out: every kind
outcome = "unlabelled"          # unlabelled, negative, positive or any
older_than_days = 730           # since the last thing that happened about the movement
"""


class RetentionError(InputError):
    """The rules of retention cannot be followed."""


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    outcome: Ended
    older_than_days: Annotated[float, Meta(ge=0, le=100_000)]
    kind: Literal["vehicle", "vessel", "shipment"] | None = None

    def fits(self, about: "_About", now: Micros) -> bool:
        age = now - about.newest
        return (
            self.kind in (None, about.kind)
            and self.outcome in ("any", about.ended)
            and age > self.older_than_days * MICROS_PER_DAY
        )


class _RuleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rule: Annotated[tuple[Rule, ...], Meta(min_length=1)]


class Rules(NamedTuple):
    rules: tuple[Rule, ...]
    sha256: str
    """Of the file as it stands: the record of a run says which rules it followed."""


class Plan(NamedTuple):
    """What the rules would erase."""

    positions: list[int]
    counts: tuple[ErasedCount, ...]
    kept: int
    """Movements that no rule fits."""
    held: int
    """Movements that a rule fits and a legal hold keeps."""
    chosen_at: int
    """The last position that was looked at."""


class Hold(NamedTuple):
    kind: str
    movement: str
    reason: str
    placed_at: Micros
    events: int
    """What the ledger holds about the movement."""


def read_rules(path: Path) -> Rules:
    """
    Raises:
        RetentionError: no file, or one that says something that cannot be followed.
    """
    if not path.is_file():
        raise RetentionError(
            f"no rules of retention at {path}, and nothing is erased without a rule; "
            "`foreland retain --example` prints some to start from"
        )
    text = path.read_bytes()
    try:
        found = msgspec.convert(tomllib.loads(text.decode()), _RuleFile)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise RetentionError(f"{path} is no TOML: {exc}") from exc
    except msgspec.ValidationError as exc:
        raise RetentionError(
            f"{path}: {str(exc)[0].lower()}{str(exc)[1:]}; outcome is one of "
            f"{', '.join(get_args(Ended))}; `foreland retain --example` prints rules to start from"
        ) from exc
    names = Counter(rule.name for rule in found.rule)
    for name, times in names.items():
        if times > 1:
            raise RetentionError(f"{path} has {times} rules named {name!r}; rename all but one")
    return Rules(found.rule, hashlib.sha256(text).hexdigest())


def plan(events: Iterable[Recorded], rules: Rules, now: Micros) -> Plan:
    """What the rules would erase by ``now``.

    Args:
        events: all of the ledger's, by position, so that the last word on a hold comes last.
    """
    positions: list[int] = []
    movements: Counter[tuple[str, str]] = Counter()
    erased: Counter[tuple[str, str]] = Counter()
    kept = held = 0
    watched = _Watched(events)
    for about in _gathered(watched).values():
        rule = next((rule for rule in rules.rules if rule.fits(about, now)), None)
        if rule is None or not about.positions:
            kept += rule is None
        elif about.hold is not None:
            held += 1
        else:
            positions += about.positions
            movements[rule.name, about.kind] += 1
            erased[rule.name, about.kind] += len(about.positions)
    return Plan(sorted(positions), _counts(movements, erased), kept, held, watched.position)


class _Watched:
    """The events, and how far they were read."""

    def __init__(self, events: Iterable[Recorded]) -> None:
        self._events = events
        self.position = 0

    def __iter__(self) -> Iterator[Recorded]:
        for event in self._events:
            self.position = event.position
            yield event


def erase(ledger: Ledger, planned: Plan, rules: Rules, now: Micros) -> Appended:
    """Destroy the keys and record the run; afterwards what went cannot be read by anyone.

    Raises:
        LedgerMoved: something came in since it was planned, such as a hold; plan again.
        LedgerBusy: while a server or an ingest runs on the ledger.
    """
    payload = RecordsErased(rules_sha256=rules.sha256, erased=planned.counts)
    record = Event(source=SOURCE, event_id=f"erasure:{now}", occurred_at=now, payload=payload)
    return ledger.erase(planned.positions, record, chosen_at=planned.chosen_at)


def holds(ledger: Ledger) -> list[Hold]:
    """Every hold that stands, the oldest first."""
    found = [
        Hold(about.kind, movement, about.hold.reason, about.held_since, len(about.positions))
        for (_, movement), about in _gathered(ledger.tail(0)).items()
        if about.hold is not None
    ]
    return sorted(found, key=lambda hold: hold.placed_at)


def erased_so_far(ledger: EventSource) -> tuple[ErasedCount, ...]:
    """What every run so far has erased, by rule and kind."""
    movements: Counter[tuple[str, str]] = Counter()
    events: Counter[tuple[str, str]] = Counter()
    for run in ledger.read_source(SOURCE):
        if isinstance(run.payload, RecordsErased):
            for count in run.payload.erased:
                movements[count.rule, count.kind] += count.movements
                events[count.rule, count.kind] += count.events
    return _counts(movements, events)


def _counts(
    movements: Counter[tuple[str, str]], events: Counter[tuple[str, str]]
) -> tuple[ErasedCount, ...]:
    return tuple(
        ErasedCount(rule=rule, kind=kind, movements=movements[rule, kind], events=count)
        for (rule, kind), count in sorted(events.items())
    )


def set_hold(
    ledger: Ledger, kind: str, movement: str, reason: str, now: Micros, *, lift: bool
) -> Appended:
    """Place or lift the legal hold on a movement, by its pseudonym; the last word stands.

    Raises:
        RetentionError: the ledger holds nothing about the movement, or there is no hold to lift.
    """
    about = _gathered(ledger.tail(0)).get((kind, movement))
    if about is None or not (about.positions or about.hold):
        raise RetentionError(f"the ledger holds no {kind} of this movement_ref; check it")
    if lift and about.hold is None:
        raise RetentionError(
            "there is no hold on this movement; `foreland retain --holds` lists those there are"
        )
    payload = (HoldLifted if lift else HoldPlaced)(kind=kind, movement=movement, reason=reason)
    event_id = f"{'lift' if lift else 'hold'}:{movement}:{now}"
    event = Event(source=SOURCE, event_id=event_id, occurred_at=now, payload=payload)
    return ledger.append([event])[0]


class _About:
    """What is there about one movement."""

    __slots__ = ("_standing", "held_since", "hold", "kind", "newest", "positions")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.positions: list[int] = []
        self.newest: Micros = 0
        self.hold: HoldPlaced | None = None
        self.held_since: Micros = 0
        self._standing = Standing()

    def hear(self, event: Recorded) -> None:
        payload = event.payload
        if isinstance(payload, HoldPlaced | HoldLifted):
            self.hold = payload if isinstance(payload, HoldPlaced) else None
            self.held_since = event.occurred_at
            return
        self.positions.append(event.position)
        # A time in the future must not keep a record for ever: it was here by available_at.
        self.newest = max(self.newest, min(event.occurred_at, event.available_at))
        if isinstance(payload, Counted):
            self._standing.hear(heard_of(payload, event.available_at, event.position))

    @property
    def ended(self) -> str:
        verdict = self._standing.verdict
        return verdict.outcome if verdict and verdict.outcome in LABELS else "unlabelled"


def _gathered(events: Iterable[Recorded]) -> Mapping[tuple[str, str], _About]:
    found: dict[tuple[str, str], _About] = {}
    for event in events:
        payload = event.payload
        if isinstance(payload, OF_A_MOVEMENT):
            name = (payload.kind, payload.movement)
            about = found.get(name)
            if about is None:
                about = found[name] = _About(payload.kind)
            about.hear(event)
    return found
