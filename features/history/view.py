"""What stands about one movement, given all that was heard of it: a pure function of that set.

- Of several versions the highest stands. A cancellation takes away every version up to its own; a
  later version brings the movement back.
- An outcome that another one corrects is dead, whichever came first. Of the living outcomes the
  one of the latest examination stands. A ``withdrawn`` that corrects another takes that one back
  and no more: it stands only where nothing else does.
- Equal ones are told apart by content, never by order of arrival or by when they became known.
- The movement counts from the instant at which the first of its versions became available,
  whichever version stands later.
- An outcome that is a label counts from the instant at which both it and the movement were
  available. The four outcomes that are not labels count nothing, and take away what they replace.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple, Self

from features.clock import Micros
from features.history.statistics import EXAMINATION, FIND, MOVEMENT
from features.ledger.events import (
    MovementCancelled,
    MovementDeclared,
    OutcomeRecorded,
    Payload,
    encode_payload,
)

LABELS = frozenset({"positive", "negative"})
"""The outcomes that say what an examination found."""
Counted = MovementDeclared | MovementCancelled | OutcomeRecorded
"""The payloads that history and the current view are made of."""


class Version(NamedTuple):
    """A movement message, as far as it matters here."""

    rank: tuple[int, int]
    """Version number, digest of the content: the greatest stands."""
    available_at: Micros
    place: int
    """Where the caller keeps its keys."""


class Cancellation(NamedTuple):
    """A cancellation message, as far as it matters here."""

    up_to_version: int


class Verdict(NamedTuple):
    """An outcome, as far as it matters here."""

    rank: tuple[bool, Micros, bool, int]
    """More than taking another back, examined_at, withdrawn, digest of the content: the greatest
    stands."""
    available_at: Micros
    place: int
    outcome: str
    message: str
    corrects: str | None


Heard = Version | Cancellation | Verdict


def heard_of(payload: Counted, available_at: Micros, place: int) -> Heard:
    if isinstance(payload, MovementDeclared):
        return Version((payload.version, _digest(payload)), available_at, place)
    if isinstance(payload, MovementCancelled):
        return Cancellation(payload.up_to_version)
    withdrawn = payload.outcome == "withdrawn"
    takes_back = withdrawn and payload.corrects is not None
    rank = (not takes_back, payload.examined_at, withdrawn, _digest(payload))
    return Verdict(rank, available_at, place, payload.outcome, payload.message, payload.corrects)


def _digest(payload: Payload) -> int:
    """64 bits of the content; a collision needs two messages of one movement and equal rank."""
    return int.from_bytes(blake2b(encode_payload(payload), digest_size=8).digest(), "big")


class Mark(NamedTuple):
    """One thing that counts, from an instant on."""

    what: int
    instant: Micros


class Facts(NamedTuple):
    """What a ``Standing`` has kept of all that it heard."""

    highest: Version | None
    cancelled_to: int
    verdicts: tuple[Verdict, ...]
    since: Micros | None


class Standing:
    """What stands about one movement; grows with each event heard."""

    __slots__ = ("_cancelled_to", "_highest", "_verdicts", "since", "verdict")

    def __init__(self) -> None:
        self._highest: Version | None = None
        self._cancelled_to = 0
        self._verdicts: tuple[Verdict, ...] = ()
        self.verdict: Verdict | None = None
        self.since: Micros | None = None

    @classmethod
    def of(cls, facts: Facts) -> Self:
        standing = cls()
        standing._highest, standing._cancelled_to, standing._verdicts, standing.since = facts
        standing.verdict = _standing(facts.verdicts)
        return standing

    def facts(self) -> Facts:
        """All that it rests on, to be kept and given to ``of``."""
        return Facts(self._highest, self._cancelled_to, self._verdicts, self.since)

    @property
    def version(self) -> Version | None:
        """The version that stands; None when there is none, or when it is cancelled."""
        highest = self._highest
        return None if highest is None or highest.rank[0] <= self._cancelled_to else highest

    def hear(self, heard: Heard) -> None:
        if isinstance(heard, Verdict):
            self._verdicts = _with(self._verdicts, heard)
            self.verdict = _standing(self._verdicts)
        elif isinstance(heard, Cancellation):
            self._cancelled_to = max(self._cancelled_to, heard.up_to_version)
        else:
            at = heard.available_at
            self.since = at if self.since is None else min(self.since, at)
            if self._highest is None or heard.rank > self._highest.rank:
                self._highest = heard

    def marks(self) -> tuple[Mark, ...]:
        """What counts on the keys of ``version``; nothing before the movement is known."""
        if self.since is None or self.version is None:
            return ()
        moved = Mark(MOVEMENT, self.since)
        verdict = self.verdict
        if verdict is None or verdict.outcome not in LABELS:
            return (moved,)
        both_known = max(self.since, verdict.available_at)
        examined = Mark(EXAMINATION, both_known)
        if verdict.outcome == "negative":
            return (moved, examined)
        return (moved, examined, Mark(FIND, both_known))


def _with(verdicts: tuple[Verdict, ...], heard: Verdict) -> tuple[Verdict, ...]:
    """Of two messages with one content, by two ways, the one that was known first is kept."""
    for place, there in enumerate(verdicts):
        if there.rank == heard.rank:
            first = min(there, heard, key=lambda verdict: verdict.available_at)
            return (*verdicts[:place], first, *verdicts[place + 1 :])
    return (*verdicts, heard)


def _standing(verdicts: Sequence[Verdict]) -> Verdict | None:
    dead = {v.corrects for v in verdicts if v.corrects not in (None, v.message)}
    living = [verdict for verdict in verdicts if verdict.message not in dead]
    return max(living, default=None, key=lambda verdict: verdict.rank)
