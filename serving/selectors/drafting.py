"""From what somebody writes of a selector to its event: checked, no identifier left in plain."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any, cast, get_args

from msgspec.structs import replace

from features.clock import MICROS_PER_DAY, Micros, iso, to_micros
from features.errors import ForelandError, InputError
from features.handling import Action, Handling, Marking
from features.ledger import SelectorProposed
from features.ledger.events import encode_payload
from features.pseudonyms import Pseudonyms
from features.records import KINDS
from features.records.outcome import Threat
from features.records.persons import is_person_data, words_of
from serving.auth.access import check_name
from serving.selectors.criteria import CriterionRefused, read_criterion, tags_of

FIELDS = (
    "agency",
    "criteria",
    "kinds",
    "reason",
    "threat",
    "handling",
    "marking",
    "contact",
    "action",
    "starts",
    "expires",
)
MOST_CRITERIA = 4
LONGEST_DAYS = 366
"""From start to expiry: a year."""
LONGEST_TEXT = 200
DESKS = frozenset(
    {
        "branch",
        "bureau",
        "cell",
        "center",
        "centre",
        "command",
        "control",
        "desk",
        "duty",
        "hub",
        "office",
        "room",
        "section",
        "service",
        "station",
        "team",
        "unit",
    }
)
"""A contact has one of these words: it names a role, which outlives whoever holds it."""
_TITLES = frozenset(["mr", "mrs", "ms", "miss", "dr", "sir", "lady", "dame"])
_LIKE_AN_IDENTIFIER = re.compile(r"@|(?:[0-9][ .-]?){7,}")
"""An address of mail, a telephone number, the number of a document or a vessel."""
_DAY = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b")
_ID_DIGITS = 20


class SelectorRefused(ForelandError):
    """A selector breaks a rule; the message names the field, the value and what to do."""


def draft(
    row: Mapping[str, Any], pseudonyms: Pseudonyms, *, by: str, now: Micros
) -> SelectorProposed:
    """
    Args:
        row: of ``FIELDS``; ``criteria`` and ``kinds`` as lists, instants as RFC 3339, a day, or
            what TOML makes of them.
        by: who proposes it.

    Raises:
        SelectorRefused: at the first rule that it breaks.
    """
    _check_fields(row)
    criteria, kinds = _criteria(row.get("criteria"), row.get("kinds"), pseudonyms)
    starts, expires = _times(row, now)
    said = SelectorProposed(
        selector="",
        agency=_agency(row.get("agency")),
        criteria=criteria,
        kinds=kinds,
        reason=_reason(row.get("reason")),
        threat=cast(str | None, _one_of("threat", row.get("threat") or None, Threat)),
        handling=_given("handling", row.get("handling"), Handling),
        marking=_given("marking", row.get("marking") or "OFFICIAL", Marking),
        contact=_contact(row.get("contact")),
        action=_given("action", row.get("action") or "refer", Action),
        starts=starts,
        expires=expires,
        creator=_line("by", by),
        tags=_tags(row["criteria"], pseudonyms),
    )
    return _with_id(said)


def _with_id(said: SelectorProposed) -> SelectorProposed:
    """The same entry proposed twice has one id, whoever proposes it."""
    digest = sha256(encode_payload(replace(said, creator="", tags={}))).hexdigest()
    return replace(said, selector=digest[:_ID_DIGITS])


def _check_fields(row: Mapping[str, Any]) -> None:
    for name in row:
        if name in FIELDS:
            continue
        if is_person_data(name):
            raise SelectorRefused(
                f"{name} is a natural person's data, which is never taken in; leave it out"
            )
        raise SelectorRefused(f"{name!r} is no field of a selector; use {', '.join(FIELDS)}")


def _criteria(
    criteria: Any, kinds: Any, pseudonyms: Pseudonyms
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    texts = _texts("criteria", criteria)
    if not 1 <= len(texts) <= MOST_CRITERIA:
        raise SelectorRefused(
            f"criteria are 1 to {MOST_CRITERIA} conditions that hold together, not {len(texts)}"
        )
    try:
        read = [read_criterion(text, pseudonyms) for text in texts]
    except CriterionRefused as exc:
        raise SelectorRefused(f"criteria: {exc}") from exc
    possible = frozenset(KINDS).intersection(*(having for _, having in read))
    wanted = _texts("kinds", kinds) or sorted(possible)
    if not possible:
        raise SelectorRefused("criteria: no kind of movement has all of them; take one out")
    if wrong := [kind for kind in wanted if kind not in possible]:
        raise SelectorRefused(
            f"kinds: {', '.join(wrong)} cannot have these criteria; use "
            f"{', '.join(sorted(possible))}"
        )
    keys = tuple(sorted({key for key, _ in read}))
    return keys, tuple(kind for kind in KINDS if kind in wanted)


def _tags(criteria: Any, pseudonyms: Pseudonyms) -> dict[str, dict[str, str]]:
    """Of criteria that were read: what partners make of the same identifiers."""
    found: dict[str, dict[str, str]] = {}
    for text in _texts("criteria", criteria):
        for partnership, tag in tags_of(text, pseudonyms).items():
            key, _ = read_criterion(text, pseudonyms)
            found.setdefault(partnership, {})[key] = tag
    return found


def _texts(name: str, value: Any) -> list[str]:
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, Sequence) and all(isinstance(one, str) for one in value):
        return list(value)
    raise SelectorRefused(f"{name} is a list of texts")


def _times(row: Mapping[str, Any], now: Micros) -> tuple[Micros, Micros]:
    if not row.get("expires"):
        raise SelectorRefused("expires is missing; a selector has an end, at most a year away")
    starts = _instant("starts", row["starts"]) if row.get("starts") else now
    expires = _instant("expires", row["expires"])
    if expires <= starts:
        raise SelectorRefused(f"expires is {iso(expires)}, not later than starts {iso(starts)}")
    if expires <= now:
        raise SelectorRefused(f"expires is {iso(expires)}, which has passed; give a later one")
    if expires - starts > LONGEST_DAYS * MICROS_PER_DAY:
        raise SelectorRefused(
            f"expires is {iso(expires)}, more than {LONGEST_DAYS} days after it starts "
            f"({iso(starts)}); propose it again when it has been looked at"
        )
    return starts, expires


def _instant(name: str, value: Any) -> Micros:
    """A day is its first instant, UTC."""
    read = value
    if isinstance(value, str):
        try:
            read = datetime.fromisoformat(value.strip())
            if len(value.strip()) == len("2026-03-01"):
                read = read.replace(tzinfo=UTC)
        except ValueError:
            read = None
    elif isinstance(value, date) and not isinstance(value, datetime):
        read = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(read, datetime) or read.tzinfo is None:
        raise SelectorRefused(
            f"{name} is a day such as 2026-12-31, or a time with an offset such as "
            f"2026-12-31T18:00:00Z, not {value!r}"
        )
    return to_micros(read)


def _agency(value: Any) -> str:
    if not value:
        raise SelectorRefused("agency is missing; say whose selector it is")
    try:
        return check_name(str(value), "agency")
    except InputError as exc:
        raise SelectorRefused(str(exc)) from exc


def _reason(value: Any) -> str:
    said = _line("reason", value)
    if _LIKE_AN_IDENTIFIER.search(_DAY.sub("", said)):
        raise SelectorRefused(
            "reason holds an address or a number that may identify somebody, and it is kept in "
            "plain; say why without it"
        )
    return said


def _contact(value: Any) -> str:
    """A heuristic, and strict: what is no desk by its words is refused."""
    said = _line("contact", value)
    words = frozenset(words_of(said))
    if _LIKE_AN_IDENTIFIER.search(said) or words & _TITLES or not words & DESKS:
        raise SelectorRefused(
            "contact names no desk (or a person or a number, which it never does); use a role with "
            f"one of the words {', '.join(sorted(DESKS))}"
        )
    return said


def _line(name: str, value: Any) -> str:
    said = " ".join(str(value or "").split())
    if not 0 < len(said) <= LONGEST_TEXT or not said.isprintable():
        raise SelectorRefused(f"{name} is 1 to {LONGEST_TEXT} characters, not {len(said)}")
    return said


def _given(name: str, value: Any, known: Any) -> str:
    if not value:
        raise SelectorRefused(f"{name} is missing; use one of {', '.join(get_args(known))}")
    return cast(str, _one_of(name, value, known))


def _one_of(name: str, value: Any, known: Any) -> Any:
    if value is not None and value not in get_args(known):
        raise SelectorRefused(f"{name} is {value!r}; use one of {', '.join(get_args(known))}")
    return value
