"""What stands about one movement, given all that was heard of it: a pure function of that set.

- Of several versions the highest stands; of several outcomes the one of the latest examination.
  Equal ones are told apart by what became available last, then by content, never by order of
  arrival.
- The movement counts from the instant at which the first of its versions became available,
  whichever version stands later.
- An outcome that is a label counts from the instant at which both it and the movement were
  available. The four outcomes that are not labels count nothing, and take away what they replace.
"""

from typing import NamedTuple

from features.clock import Micros
from features.history.statistics import EXAMINATION, FIND, MOVEMENT
from features.ledger.events import MovementDeclared, OutcomeRecorded, encode_payload

LABELS = frozenset({"positive", "negative"})
"""The outcomes that say what an examination found."""


class Version(NamedTuple):
    """A movement message, as far as it matters here."""

    rank: tuple[int, Micros]
    """Version number, available_at: the greatest stands."""
    content: bytes
    """Decides between equal ranks."""
    place: int
    """Where the caller keeps its keys."""


class Verdict(NamedTuple):
    """An outcome, as far as it matters here."""

    rank: tuple[Micros, Micros]
    """examined_at, available_at: the greatest stands."""
    content: bytes
    place: int
    outcome: str

    @property
    def available_at(self) -> Micros:
        return self.rank[1]


def version_of(payload: MovementDeclared, available_at: Micros, place: int) -> Version:
    return Version((payload.version, available_at), encode_payload(payload), place)


def verdict_of(payload: OutcomeRecorded, available_at: Micros, place: int) -> Verdict:
    rank = (payload.examined_at, available_at)
    return Verdict(rank, encode_payload(payload), place, payload.outcome)


class Mark(NamedTuple):
    """One thing that counts, from an instant on."""

    what: int
    instant: Micros


class Standing:
    """What stands about one movement; grows with each event heard."""

    __slots__ = ("since", "verdict", "version")

    def __init__(self) -> None:
        self.version: Version | None = None
        self.verdict: Verdict | None = None
        self.since: Micros | None = None

    def hear(self, heard: Version | Verdict) -> None:
        if isinstance(heard, Verdict):
            if self.verdict is None or heard[:2] > self.verdict[:2]:
                self.verdict = heard
            return
        self.since = heard.rank[1] if self.since is None else min(self.since, heard.rank[1])
        if self.version is None or heard[:2] > self.version[:2]:
            self.version = heard

    def forget_content(self) -> None:
        """Once all events of an instant are heard: no later one can be equal in rank."""
        if self.version is not None and self.version.content:
            self.version = self.version._replace(content=b"")
        if self.verdict is not None and self.verdict.content:
            self.verdict = self.verdict._replace(content=b"")

    def marks(self) -> tuple[Mark, ...]:
        """What counts on the keys of ``version``; nothing before the movement is known."""
        if self.since is None:
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
