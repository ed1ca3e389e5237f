"""The log of what the service referred, in the form that training reads: one row a movement."""

from contextlib import closing
from functools import lru_cache
from itertools import islice
from pathlib import Path
from sys import intern

import msgspec
import numpy as np
import pandas as pd

from features.clock import Micros
from features.ledger import open_tables
from serving.audit.reading import bring_up_to_date
from serving.selection import Selected, decode_selected
from serving.shadow import ChallengerSaid

_OF_AN_AGENCY = """SELECT kind, movement, selection, assessment FROM assessments
    WHERE selection IS NOT NULL AND agency = ? ORDER BY number"""
_OF_A_TIME = """SELECT score_id, kind, movement, available_at, probability, band, selection,
    challenger FROM assessments WHERE available_at >= ? AND available_at < ? ORDER BY number"""


def read_selected(ledger_url: str, agency: str) -> pd.DataFrame:
    """What was decided about the last version of each movement of one agency.

    Of a version that was assessed again the choice with the largest propensity counts: all have
    one draw, and below that the draw was a referral.

    Columns: kind, movement (pseudonym), propensity, exploration (float64), referred (bool), reason
    and policy: those of ``foreland train --choices`` (``training.choices``), and the policy.
    """
    chosen: dict[tuple[str, str], Selected] = {}
    bring_up_to_date(ledger_url)
    with closing(open_tables(ledger_url)) as tables:
        rows = tables.rows(_OF_AN_AGENCY, [agency]) if tables.has("assessments") else ()
        for kind, movement, text, assessment in rows:
            one, before = _selected_once(text), chosen.get((kind, movement))
            if (
                assessment == 1
                or before is None
                or float(one.propensity) > float(before.propensity)
            ):
                chosen[kind, movement] = one
    selected = list(chosen.values())
    return pd.DataFrame(
        {
            "kind": pd.Series([kind for kind, _ in chosen], dtype="str"),
            "movement": pd.Series([movement for _, movement in chosen], dtype="str"),
            "propensity": pd.Series([float(one.propensity) for one in selected], dtype="float64"),
            "exploration": pd.Series([float(one.exploration) for one in selected], dtype="float64"),
            "referred": pd.Series([one.referred for one in selected], dtype="bool"),
            "reason": pd.Series([one.reason for one in selected], dtype="str"),
            "policy": pd.Series([one.policy for one in selected], dtype="str"),
        }
    )


def write_choices(ledger_url: str, agency: str, out: Path) -> int:
    """Write them as Parquet; how many there were."""
    frame = read_selected(ledger_url, agency)
    frame.to_parquet(out, index=False)
    return len(frame)


def read_logged_choices(ledger_url: str, since: Micros, until: Micros) -> pd.DataFrame:
    """Every answer with ``since <= available_at < until``, what was decided, and who else spoke.

    Columns: score_id, kind, movement (pseudonym), available_at (microseconds), probability, band;
    referred (bool), reason (None), propensity and exploration (NaN) of the choice, where one was
    logged (``logged``, bool); challenger (its version, Int64) and challenger_probability, missing
    where none spoke. In the order in which they were recorded; empty when the ledger never served.
    """
    parts = [_framed([])]
    bring_up_to_date(ledger_url)
    with closing(open_tables(ledger_url)) as tables:
        if tables.has("assessments"):
            chosen = (_chosen(*row) for row in tables.rows(_OF_A_TIME, [since, until]))
            while part := list(islice(chosen, _ROWS_A_PART)):
                parts.append(_framed(part))
    return pd.concat(parts, ignore_index=True)


def _framed(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)


_ROWS_A_PART = 50_000
"""A million rows as tuples would need three times what their columns do."""
_COLUMNS = {
    **dict.fromkeys(("score_id", "kind", "movement"), "object"),
    "available_at": "int64",
    "probability": "float64",
    "band": "object",
    **dict.fromkeys(("logged", "referred"), "bool"),
    "reason": "object",
    **dict.fromkeys(("propensity", "exploration"), "float64"),
    "challenger": "Int64",
    "challenger_probability": "float64",
}
_decode_challenger = msgspec.json.Decoder(ChallengerSaid).decode
_selected_once = lru_cache(4096)(decode_selected)  # few differ: a day, a band, referred or not


def _chosen(
    score_id: str,
    kind: str,
    movement: str,
    available_at: Micros,
    probability: float | None,
    band: str,
    selection: str | None,
    challenger: str | None,
) -> tuple[object, ...]:
    answer = (score_id, intern(kind), movement, available_at, probability, intern(band))
    chosen: tuple[object, ...] = (False, False, None, np.nan, np.nan)
    if selection is not None:
        one: Selected = _selected_once(selection)
        chosen = (True, one.referred, one.reason, float(one.propensity), float(one.exploration))
    spoke: tuple[object, ...] = (None, np.nan)
    if challenger is not None:
        said = _decode_challenger(challenger)
        spoke = (said.version, np.nan if said.probability is None else float(said.probability))
    return (*answer, *chosen, *spoke)
