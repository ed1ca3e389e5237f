"""A rule as a person writes it: a small TOML file, read strictly."""

import datetime
import hashlib
import tomllib
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from features.clock import MICROS_PER_DAY, Micros, iso, to_micros
from features.handling import Action, Handling, Marking
from features.ledger.events import encode_payload
from features.ledger.intelligence_events import RuleProposed
from features.records import KINDS
from features.records.outcome import Threat
from models.rules.errors import RuleRefused
from models.rules.expression import Expression
from models.rules.probes import try_out

LONGEST_LIFE_DAYS = 366
EXAMPLE = """name = "tobacco-short-notice"
version = 1
kind = "vehicle"
agency = "border-force"
when = '''
declared.commodity_code.startsWith("24") && declared.notice_hours < 6.0
&& history.haulier.examinations < 3.0
'''
points = 20
action = "refer"
handling = "open"
contact = "Border Force targeting desk"
reason = "Tobacco at short notice, by a haulier hardly ever examined"
threat = "tobacco_alcohol"
expires = 2027-03-01
created_by = "A. Lovelace"
"""
"""Of a whole file."""

Line = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^\S[^\n\r]*$")]
Slug = Annotated[str, Meta(pattern="^[a-z][a-z0-9-]{1,62}[a-z0-9]$")]


class RuleFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of the file."""

    name: Slug
    version: Annotated[int, Meta(ge=1, le=1_000_000)]
    kind: str
    agency: Line
    when: str
    points: Annotated[int, Meta(ge=1, le=100)]
    action: Action
    reason: Line
    expires: datetime.date
    """The first day, in UTC, on which it matches nothing any more."""
    created_by: Line
    contact: Line
    """A desk, never a person."""
    handling: Handling = "open"
    marking: Marking = "OFFICIAL"
    threat: Threat | None = None


def read_rule(path: Path) -> RuleProposed:
    """
    Raises:
        RuleRefused: the file cannot be read, lacks something, or has what no rule may have.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise RuleRefused(f"{path} cannot be read as text: {exc}") from exc
    try:
        return parse_rule(text)
    except RuleRefused as exc:
        raise RuleRefused(f"{path}: {exc}") from exc


def parse_rule(text: str) -> RuleProposed:
    """As ``read_rule``, of the file's text; whether it has expired is not asked here."""
    try:
        given = msgspec.convert(tomllib.loads(text), RuleFile)
    except tomllib.TOMLDecodeError as exc:
        raise RuleRefused(f"this is not TOML ({exc}); correct it") from exc
    except msgspec.ValidationError as exc:
        raise RuleRefused(f"{exc}; correct it (docs/intelligence.md has an example)") from exc
    if given.kind not in KINDS:
        raise RuleRefused(f"`kind` is {given.kind!r}; it is one of {', '.join(KINDS)}")
    rule = RuleProposed(
        name=given.name,
        version=given.version,
        kind=given.kind,
        agency=given.agency,
        when=" ".join(given.when.split("\n")).strip(),
        points=given.points,
        action=given.action,
        handling=given.handling,
        marking=given.marking,
        contact=given.contact,
        reason=given.reason,
        threat=given.threat,
        expires_at=_midnight(given.expires),
        created_by=" ".join(given.created_by.split()),
    )
    try_out(Expression(rule.kind, rule.when))
    return rule


def check_life(rule: RuleProposed, now: Micros) -> None:
    """
    Raises:
        RuleRefused: it has expired, or would stand longer than a year without a look at it.
    """
    if rule.expires_at <= now:
        raise RuleRefused(
            f"{rule.name} version {rule.version} expired on {iso(rule.expires_at)[:10]}; write a "
            "higher version with a later day"
        )
    # 2026-11-26 -> at the latest 2027-11-27, so that "in a year" is allowed in a leap year too
    if rule.expires_at > now + LONGEST_LIFE_DAYS * MICROS_PER_DAY:
        raise RuleRefused(
            f"`expires` is {iso(rule.expires_at)[:10]}; no rule stands for more than a year, so "
            "give an earlier day and renew it then as a higher version"
        )


def sha256_of_rule(rule: RuleProposed) -> str:
    """Of every word of it, its owner and its expiry: what was back-tested is what is approved."""
    return hashlib.sha256(encode_payload(rule)).hexdigest()


def _midnight(day: datetime.date) -> Micros:
    return to_micros(datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC))
