"""Whether the data still come as they did: fields left out and check digits that fail."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from features.ledger import MovementDeclared
from features.records import declared_fields
from models.proportions import wilson_interval

RISE_TO_LOOK_AT = 0.05
"""A field missing this much more often than before (as a share), beyond chance, is looked at."""


def missing_shares(
    kind: str, now: Sequence[MovementDeclared], before: Sequence[MovementDeclared]
) -> pd.DataFrame:
    """Share of movements without each field, in the period and before it.

    Columns: ``field`` (as officers call it), ``name`` (as the record calls it), ``missing``,
    ``missing_low``, ``missing_high`` (95 % Wilson interval), ``missing_before`` with the same
    ends (all NaN when ``before`` is empty), ``rose`` (bool). Extra attributes come after the
    record's own fields. Fields that neither period ever gave are left out.
    """
    given_now, given_before = _given(now), _given(before)
    labels = {field.name: field.label for field in declared_fields(kind)}
    extra = sorted((given_now.keys() | given_before.keys()) - labels.keys())
    labels |= {name: name for name in extra}
    rows = [
        {
            "field": label,
            "name": name,
            **_share("missing", len(now) - given_now[name], len(now)),
            **_share("missing_before", len(before) - given_before[name], len(before)),
        }
        for name, label in labels.items()
        if given_now[name] or given_before[name]
    ]
    columns = [f"{key}{end}" for key in ("missing", "missing_before") for end in _ENDS]
    table = pd.DataFrame(rows, columns=["field", "name", *columns])
    higher = table["missing"] - table["missing_before"] >= RISE_TO_LOOK_AT
    table["rose"] = higher & (table["missing_low"] > table["missing_before_high"])
    return table


def never_given(kind: str, table: pd.DataFrame) -> list[str]:
    """Labels of the record's fields that :func:`missing_shares` left out."""
    return [f.label for f in declared_fields(kind) if f.name not in set(table["name"])]


def failed_checks(kind: str, now: Sequence[MovementDeclared]) -> pd.DataFrame:
    """Checks that failed: ``check``, ``failed``, ``of`` (movements that give the field), ``rate``.

    ``rate`` has its 95 % Wilson interval in ``rate_low`` and ``rate_high``. Empty when nothing
    failed.
    """
    given = _given(now)
    labels = {field.name: field.label for field in declared_fields(kind)}
    rows = []
    for flag, failed in sorted(Counter(flag for m in now for flag in m.flags).items()):
        rule, _, field = flag.partition(":")
        of = given.get(field, len(now))
        name = f"{rule.replace('_', ' ')} of {labels.get(field, field)}" if field else rule
        rows.append({"check": name, "failed": failed, "of": of, **_share("rate", failed, of)})
    return pd.DataFrame(rows, columns=["check", "failed", "of", "rate", "rate_low", "rate_high"])


_ENDS = ("", "_low", "_high")


def _given(movements: Sequence[MovementDeclared]) -> Counter[str]:
    """How many movements give each field or attribute."""
    counts: Counter[str] = Counter()
    for movement in movements:
        counts.update(movement.entities.keys())
        counts.update(movement.fields.keys())
        counts.update(movement.attributes.keys())
    return counts


def _share(key: str, part: int, whole: int) -> dict[str, float]:
    if whole == 0:
        return dict.fromkeys((f"{key}{end}" for end in _ENDS), np.nan)
    low, high = wilson_interval(min(part, whole), whole)
    return {key: part / whole, f"{key}_low": low, f"{key}_high": high}
