"""Figure of the find-rate section: do examinations led by intelligence find as often as before?"""

import pandas as pd

from monitoring.findings import KindFindings
from monitoring.page import KIND_WORDS, Figure, kind_heading, worry_of
from monitoring.signals import Signal
from monitoring.statistics.chance import RULE, colour_of
from monitoring.statistics.disclosure import FEWEST_SHOWN
from monitoring.statistics.places import DAYS, FEWEST_EXAMINATIONS, Places
from monitoring.statistics.rates import counts_shown, rate_columns
from monitoring.tables import Column, Table, percent

_FEW = "too few"


def figures(found: KindFindings) -> tuple[Figure, ...]:
    """None where no outcome says that intelligence led to it."""
    if found.places is None or found.places.table.empty:
        return ()
    return (_figure(found.kind, found.places),)


def _figure(kind: str, places: Places) -> Figure:
    words = KIND_WORDS[kind]
    signal = _signal(kind, places)
    finds = int(places.table["finds"].sum())
    says = (
        f"In the last {DAYS} days intelligence led to {places.examined:,} examinations of {words} "
        f"with a result, at {len(places.table)} places; {percent(finds / places.examined)} found "
        "something"
    )
    if signal.colour in {"amber", "red"}:
        worst = places.table.iloc[0]
        says += (
            f". That is less than before at some of them, most surely at {worst['place']}: "
            "officers who look less closely, or who let something pass"
        )
    else:
        says += ", at no place so much less than before that chance does not explain it"
    table = Table(
        f"{kind}-led-finds",
        f"{kind_heading(kind)}: finds where intelligence led, by place",
        (
            Column("place", "Place"),
            Column("examined", "Examined", "count", missing=f"under {FEWEST_SHOWN}"),
            Column("find_rate", "Found something", "rate", missing=_FEW),
            Column("examined_before", "Examined before", "count", missing=f"under {FEWEST_SHOWN}"),
            Column("find_rate_before", "Found something before", "rate", missing=_FEW),
            Column("by_chance", "Chance of so few", "number", missing=_FEW),
        ),
        _shown(places.table),
    )
    definition = (
        "Examinations whose outcome gives intelligence as the reason, examined in the "
        f"{DAYS} days to the end of the period beside all before, each place against itself; "
        f"places with at least {FEWEST_EXAMINATIONS} of both. One-sided, Fisher's exact test "
        "(mid-p). The colour takes the surest place, its chance times the number of places, or all "
        "places together by Fisher's method, whichever is surer, and doubles it: "
        f"{signal.rule}. Rates of fewer than {FEWEST_SHOWN} examinations are kept back. Intervals "
        "are Wilson's, 95%."
    )
    return Figure(f"{says}.", worry_of((signal,)), table, definition, None, (signal,))


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    columns: dict[str, object] = {"place": table["place"]}
    few = table[["examined", "examined_before"]] < FEWEST_SHOWN
    for when in ("", "_before"):
        examined, hidden = table[f"examined{when}"], few[f"examined{when}"]
        columns[f"examined{when}"] = counts_shown(examined, hidden)
        columns |= rate_columns(f"find_rate{when}", table[f"finds{when}"], examined, hidden)
    columns["by_chance"] = table["by_chance"].where(~few.any(axis=1))
    return pd.DataFrame(columns)


def _signal(kind: str, places: Places) -> Signal:
    return Signal(
        "find_rate",
        "finds-missing-at-a-place",
        kind,
        colour_of(places.by_chance),
        places.by_chance,
        places.examined,
        f"examinations led by intelligence find less than before at a place, or at several: {RULE}",
        "senior responsible owner",
        "have what was examined there looked at again by officers from elsewhere, before a model "
        "learns from its results",
    )
