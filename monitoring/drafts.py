"""Drafts of rules from trends: files that a person completes, back-tests and has approved.

A draft is no rule. Its owner, its creator and its last day are left empty, so that nobody proposes
one without having read it; and it only informs, since a trend says where finds were, not that the
next movement holds one.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec
import pandas as pd

from features.clock import Micros, iso
from features.errors import InputError
from features.records.outcome import Threat
from models.rules import Expression, RuleRefused, try_out
from monitoring.page import KIND_WORDS
from monitoring.statistics.trends import OF_FINDS, THREAT, changing
from monitoring.tactics import ATTRIBUTES, in_words

POINTS = 10
_GOODS = "commodity_code"
_BETWEEN = " + "
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")


class Draft(NamedTuple):
    name: str
    """Of the rule, and of its file without ``.toml``."""
    text: str


def drafts_of(
    table: pd.DataFrame,
    kind: str,
    as_of: Micros,
    refused: Callable[[str], None] = lambda _: None,
) -> list[Draft]:
    """One for each combination that is new or rising among finds; the surest says it.

    What finds alone say (a threat, a concealment) makes no rule by itself, as no movement declares
    it; two trends that come to the same expression make one rule. Each is tried as ``foreland rules
    add`` tries it.

    Args:
        table: as from ``statistics.trends.trends``.
        refused: hears of each trend that no rule can say, and why; there is no draft of it.
    """
    found: dict[str, Draft] = {}
    for row in _worth_a_rule(table):
        when = expression_of(kind, row["what"], row["value"])
        if when is None or when in found:
            continue
        try:
            try_out(Expression(kind, when))
        except RuleRefused as exc:  # anybody can declare a value that is longer than a rule
            refused(f"no draft of {row['what']} of {KIND_WORDS[kind]}: {exc}")
        else:
            found[when] = _draft(row, kind, when, tested=len(table), as_of=as_of)
    return list(found.values())


def _worth_a_rule(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    named = changing(table, "finds")
    for row in named[named["among_finds"] != "falling"].to_dict("records"):
        yield {str(key): value for key, value in row.items()}


def expression_of(kind: str, what: str, value: str) -> str | None:
    """In the language of rules; None when nothing is left without what finds alone say.

    >>> expression_of("vehicle", "route and goods and threat", "FRCQF-GBDVR + 24 + cash")
    'declared.route_id == "FRCQF-GBDVR" && declared.commodity_code.startsWith("24")'
    >>> expression_of("vehicle", "threat and concealment", "cash + cover load") is None
    True
    """
    parts = [
        _condition(ATTRIBUTES[kind][attribute], one)
        for attribute, one in _named(what, value).items()
        if attribute not in OF_FINDS
    ]
    return " && ".join(parts) or None


def _named(what: str, value: str) -> dict[str, str]:
    return dict(zip(what.split(" and "), value.split(_BETWEEN), strict=True))


def _condition(field: str, value: str) -> str:
    literal = msgspec.json.encode(value).decode()
    if field == _GOODS:
        return f"declared.{field}.startsWith({literal})"
    return f"declared.{field} == {literal}"


def _draft(row: dict[str, Any], kind: str, when: str, *, tested: int, as_of: Micros) -> Draft:
    what, value, trend = row["what"], row["value"], row["among_finds"]
    digest = hashlib.sha256(f"{kind} {when}".encode()).hexdigest()[:8]
    declared = " and ".join(name for name in _named(what, value) if name not in OF_FINDS)
    about = _NOT_IN_A_NAME.sub("-", declared.lower()).strip("-")
    name = f"{trend}-{kind}-{about}-{digest}"
    words = "".join(filter(str.isprintable, in_words(what, value)))  # it was declared by anybody
    lines = [
        f"# Drafted from a trend among finds of {KIND_WORDS[kind]}, as known before {iso(as_of)}.",
        f"# {words}: {trend} per examination.",
        f"# Now: {_counts(row, '')}",
        f"# Before: {_counts(row, '_before')}",
        f"# Chance of so much, adjusted for all of {tested} combinations: {row['finds_p']:.2g}.",
        "# Looking more finds more: hold the examination rates beside each other before you go on.",
        "# Fill in agency, contact, created_by and expires; then: foreland rules add FILE,",
        "# foreland rules backtest NAME, and two people other than you approve it.",
        f"name = {_quoted(name)}",
        "version = 1",
        f"kind = {_quoted(kind)}",
        'agency = ""',
        'contact = ""',
        f"when = {_quoted(when)}",
        f"points = {POINTS}",
        'action = "inform"',
        'handling = "contact"',
        f"reason = {_quoted(f'{trend.capitalize()} among finds: {words}'[:200])}",
        *_threat(what, value),
        'expires = ""',
        'created_by = ""',
    ]
    return Draft(name, "\n".join(lines) + "\n")


def _counts(row: dict[str, Any], when: str) -> str:
    found, looked, seen = (row[f"{key}{when}"] for key in ("finds", "examined", "movements"))
    share = f" ({looked / seen:.1%} examined)" if seen else ""
    return f"{found} finds in {looked} examinations of {seen} movements{share}."


def _threat(what: str, value: str) -> list[str]:
    named = _named(what, value).get(THREAT, "").replace(" ", "_")
    return [f"threat = {_quoted(named)}"] if named in get_args(Threat) else []


def _quoted(text: str) -> str:
    """A basic string of TOML, which JSON's are too."""
    return msgspec.json.encode(text).decode()


def write_drafts(drafts: list[Draft], folder: Path) -> list[Path]:
    """
    Raises:
        InputError: a file is there already; a draft may have been edited, so none is replaced.
    """
    files = [folder / f"{draft.name}.toml" for draft in drafts]
    there = next((file for file in files if file.exists()), None)
    if there is not None:
        raise InputError(f"{there} is there already; give another folder, or move it away")
    folder.mkdir(parents=True, exist_ok=True)
    for file, draft in zip(files, drafts, strict=True):
        file.write_text(draft.text, encoding="utf-8")
    return files
