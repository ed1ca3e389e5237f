"""Which selectors and rules movements met, as the audit log keeps it."""

from typing import Literal

import msgspec
import pandas as pd

from features.clock import Micros
from features.ledger import Tables

_MATCHED = (
    "SELECT score_id, kind, movement, available_at, matches FROM assessments"
    " WHERE matches IS NOT NULL AND available_at >= ? AND available_at < ? ORDER BY number"
)
COLUMNS = (
    "score_id", "kind", "movement", "available_at", "by", "id", "version", "agency", "handling",
)  # fmt: skip


class Met(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of one match."""

    by: Literal["selector", "rule"]
    id: str
    version: int | None = None
    """Of a rule."""
    agency: str
    """Whose it is."""
    handling: str


_decode = msgspec.json.Decoder(tuple[Met, ...]).decode


def matched_between(tables: Tables, since: Micros, until: Micros) -> pd.DataFrame:
    """One row per match of an answer with ``since <= available_at < until``, hidden ones too.

    Columns: :data:`COLUMNS`; ``movement`` is a pseudonym, ``available_at`` microseconds and
    ``version`` missing for a selector. Empty when the ledger never served.
    """
    rows: list[tuple[object, ...]] = []
    if tables.has("assessments"):
        for score_id, kind, movement, available_at, matches in tables.rows(
            _MATCHED, [since, until]
        ):
            rows += [
                (score_id, kind, movement, available_at, *msgspec.structs.astuple(met))
                for met in _decode(matches)
            ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    numbers = {"available_at": "int64", "version": "Int64"}
    return frame.astype({**dict.fromkeys(COLUMNS, "str"), **numbers})
