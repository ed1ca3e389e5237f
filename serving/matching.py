"""What agencies know of a movement beside the model: the selectors and rules that it meets.

A match stands beside the score. It is never mixed into probability, band or reasons and is no
feature; it may refer the movement (``serving.selection``). Handling says who may see it.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import ClassVar, Literal, NamedTuple, Protocol, get_args

import msgspec

from features.catalogue import Catalogue
from features.clock import Micros
from features.handling import Action, Handling, Marking
from features.ledger import MovementDeclared, Recorded
from features.movement_columns import MovementColumns
from features.rows import Floats

SOURCE = "intelligence"
"""Of the events that propose, approve and end selectors and rules, and of no others."""
PARTNERS = "partner"
"""How the sources of what partners said begin, and no others."""

By = Literal["selector", "rule", "partner"]
"""``partner``: another agency told us something about an entity of the movement."""
_PLACES: Mapping[By, int] = {by: place for place, by in enumerate(get_args(By))}
MatchMode = Literal["active", "shadow", "failed"]
"""A rule in ``shadow``, or one that ``failed`` to say, is recorded alone: nobody is shown it and it
refers nothing."""


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """One selector or rule that a movement met, with all that its own agency knows of it."""

    by: By
    id: str
    """Of the selector; name of the rule."""
    version: int | None = None
    """Of the rule."""
    agency: str
    """Whose it is."""
    handling: Handling
    marking: Marking
    action: Action
    reason: str
    threat: str | None = None
    points: int | None = None
    """That a rule gives."""
    contact: str
    """A desk, never a person."""
    mode: MatchMode = "active"

    @property
    def order(self) -> tuple[int, str, int]:
        """Selectors first, then rules, then what partners said, each by name."""
        return _PLACES[self.by], self.id, self.version or 0


class Sighting(NamedTuple):
    """A movement as matchers see it; used on the event loop, at once."""

    declared: MovementDeclared
    as_of: Micros
    row_of: Callable[[Catalogue], Floats]
    """Its declared and history features by a catalogue of its kind, float64[F]."""


class Matcher(Protocol):
    """Selectors, or rules: standing as the ledger's events say."""

    hears: ClassVar[tuple[type, ...]]
    """Payloads of the events that it is told of."""

    def hear(self, event: Recorded, /) -> None:
        """Events come by position; other ones change nothing."""

    def matches(self, seen: Sighting, /) -> Iterable[Match]:
        """Those that stand at ``seen.as_of`` by what was available before it."""

    def may_meet(self, movements: MovementColumns, as_of: Micros, /) -> Collection[int]:
        """Places of all of which ``matches`` may find any at ``as_of``; more do no harm."""


class Matching:
    """All that a movement can meet. Belongs to one event loop."""

    def __init__(self, matchers: Sequence[Matcher] = ()) -> None:
        self._matchers = tuple(matchers)
        self._hearing: dict[type, list[Callable[[Recorded], None]]] = defaultdict(list)
        for matcher in self._matchers:
            for payload in matcher.hears:
                self._hearing[payload].append(matcher.hear)

    def hear(self, event: Recorded) -> None:
        for hear in self._hearing.get(event.payload.__class__, ()):
            hear(event)

    def of(self, seen: Sighting) -> tuple[Match, ...]:
        """Hidden ones too: whoever shows them asks ``may_see`` first."""
        found = [match for matcher in self._matchers for match in matcher.matches(seen)]
        return tuple(sorted(found, key=lambda match: match.order)) if found else ()

    def may_meet(self, movements: MovementColumns, as_of: Micros) -> set[int]:
        """Places of all of which ``of`` may find any."""
        return set().union(*(one.may_meet(movements, as_of) for one in self._matchers))


def may_see(matches: Iterable[Match], agency: str) -> tuple[Match, ...]:
    """Those of which a client of the agency may know: for any other it must be as if nothing had
    matched."""
    return tuple(match for match in matches if _may_see(match, agency))


def _may_see(match: "Match | _Met", agency: str) -> bool:
    return match.mode == "active" and (match.agency == agency or match.handling != "hidden")


def is_told_all(match: Match, agency: str) -> bool:
    """Whether a client of the agency sees more of it than whom to ask."""
    return match.agency == agency or match.handling == "open"


class _Met(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the audit log keeps of a match; the rest stands in the ledger."""

    by: By
    id: str
    version: int | None = None
    agency: str
    handling: Handling
    action: Action
    mode: MatchMode = "active"


_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(tuple[_Met, ...]).decode


def encode_matches(matches: Sequence[Match]) -> str | None:
    """As the audit log keeps them, hidden ones too; None when there are none."""
    if not matches:
        return None
    met = [
        _Met(
            by=one.by,
            id=one.id,
            version=one.version,
            agency=one.agency,
            handling=one.handling,
            action=one.action,
            mode=one.mode,
        )
        for one in matches
    ]
    return _encode(met).decode()


def known_matches(recorded: str | None, agency: str) -> list[tuple[By, str]]:
    """What is recorded of matches of which the agency may know: of each whether it is a selector or
    a rule, and its id."""
    met = () if recorded is None else _decode(recorded)
    return [(one.by, one.id) for one in met if _may_see(one, agency)]
