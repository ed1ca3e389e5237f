"""How the service was used: who called what, and what became of its advice."""

from collections.abc import Mapping, Sequence

import pandas as pd

BANDS = ("high", "medium", "low", "unassessed")
FEWEST_DECISIONS = 10
"""Fewer decisions of officers about a band are not told apart: they may be one officer's."""
DECIDED = ("referred", "released", "overridden")
_ACTIONS = ("answers", "for_knowledge", "for_risk", "by_chance", *DECIDED, "undecided")


def calls(counts: Mapping[tuple[str, str, str], int]) -> pd.DataFrame:
    """Columns ``agency``, ``client``, ``operation``, ``times``; by agency, client, operation."""
    rows = [(*key, times) for key, times in sorted(counts.items())]
    frame = pd.DataFrame(rows, columns=["agency", "client", "operation", "times"])
    return frame.astype({"times": "int64"})


def actions(answers: pd.DataFrame) -> pd.DataFrame:
    """Which bands led to which action: one row per kind and band that occurred.

    Args:
        answers: one row per distinct combination: ``kind``, ``band``, ``selected`` (a reason of
            ``serving.selection.Selected``, or ``not recorded``), ``decided`` (one of
            :data:`DECIDED`, or ``none``) and ``answers``, how many there were.

    Returns:
        Columns ``kind``, ``band``, ``answers``, ``for_knowledge`` (a selector or rule matched),
        ``for_risk``, ``by_chance``, ``referred``, ``released``, ``overridden``, ``undecided``, in
        the order of kinds given and of :data:`BANDS`. What officers decided is NaN where
        :data:`FEWEST_DECISIONS` are not reached, unless there was none at all.
    """
    selected, decided, count = answers["selected"], answers["decided"], answers["answers"]
    parts = {
        "answers": count,
        "for_knowledge": count.where(selected.isin(("intelligence", "rule")), 0),
        "for_risk": count.where(selected == "risk", 0),
        "by_chance": count.where(selected.isin(("exploration", "cold_start")), 0),
        **{name: count.where(decided == name, 0) for name in DECIDED},
        "undecided": count.where(decided == "none", 0),
    }
    table = pd.DataFrame({"kind": answers["kind"], "band": answers["band"], **parts})
    table["band"] = pd.Categorical(table["band"], BANDS, ordered=True)
    table["kind"] = pd.Categorical(table["kind"], list(dict.fromkeys(table["kind"])), ordered=True)
    summed = table.groupby(["kind", "band"], observed=True)[list(_ACTIONS)].sum().reset_index()
    summed = summed.astype(
        {"kind": "object", "band": "object"} | dict.fromkeys(_ACTIONS, "float64")
    )
    total = summed[list(DECIDED)].sum(axis=1)
    few = (total > 0) & (total < FEWEST_DECISIONS)
    summed.loc[few, [*DECIDED, "undecided"]] = float("nan")
    return summed


def unused(granted: Mapping[str, Sequence[str]], used: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Documented use beside deployed use: columns ``client``, ``may``, ``did``, ``not_used``.

    Args:
        granted: client to the scopes that it holds.
        used: client to the scopes that what it called asks for; others than ``granted`` too.

    >>> unused({"port": ["score.write", "audit.read"]}, {"port": ["score.write"]}).iloc[0].tolist()
    ['port', 'audit.read, score.write', 'score.write', 'audit.read']
    """
    rows = []
    for client in sorted(granted.keys() | used.keys()):
        may, did = set(granted.get(client, ())), set(used.get(client, ()))
        rows.append((client, *(", ".join(sorted(scopes)) for scopes in (may, did, may - did))))
    return pd.DataFrame(rows, columns=["client", "may", "did", "not_used"])
