"""The log of what the service referred, in the form that training reads: one row a movement."""

from pathlib import Path

import pandas as pd

from features.ledger import open_tables
from serving.selection import decode_selected

_LAST_OF_EACH = """SELECT kind, movement, selection FROM assessments
    WHERE selection IS NOT NULL AND agency = ? AND number IN
        (SELECT max(number) FROM assessments WHERE agency = ? GROUP BY movement)
    ORDER BY number"""


def read_selected(ledger_url: str, agency: str) -> pd.DataFrame:
    """What was decided about the last version of each movement of one agency.

    Columns: kind, movement (pseudonym), propensity, exploration (float64), referred (bool), reason
    and policy: those of ``foreland train --choices`` (``training.choices``), and the policy.
    """
    tables = open_tables(ledger_url)
    try:
        rows = tables.fetch(_LAST_OF_EACH, [agency, agency]) if tables.has("assessments") else []
    finally:
        tables.close()
    selected = [decode_selected(text) for _, _, text in rows]
    return pd.DataFrame(
        {
            "kind": pd.Series([kind for kind, _, _ in rows], dtype="str"),
            "movement": pd.Series([movement for _, movement, _ in rows], dtype="str"),
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
