"""Selectors and rules: what each came to, and which should be retired."""

import pandas as pd

from features.clock import iso
from monitoring.page import Figure, Part, Section, worry_of
from monitoring.periods import Period
from monitoring.signals import Colour, Signal
from monitoring.statistics.disclosure import FEWEST_SHOWN
from monitoring.statistics.league import (
    EXPIRES_WITHIN_DAYS,
    FEWEST_DISMISSALS,
    FEWEST_EXAMINATIONS,
    MOSTLY,
    NO_FIND_DAYS,
    NO_MATCH_DAYS,
)
from monitoring.statistics.rates import counts_shown, rate_columns
from monitoring.tables import Column, Table, counted, percent

SLUG = "league"
_FEW = f"under {FEWEST_SHOWN}"
_WORDS = {"selector": "selectors", "rule": "rules"}


def section(league: pd.DataFrame, period: Period) -> Section:
    """
    Args:
        league: as from ``monitoring.leagues.league_of``.
    """
    text = (
        "Beside the model stand selectors, entries of agencies' watch-lists, and rules that people "
        "wrote. A match is given beside the score and is never part of it. Here is what each came "
        "to in the year to the end of the period. Who is looked for is nowhere on this page; an "
        "entry that is hidden from other agencies has no name here either."
    )
    texts, figures = [text], []
    for by, words in _WORDS.items():
        mine = league[league["by"] == by].reset_index(drop=True)
        if mine.empty:
            texts.append(f"No {by} stood or was met in the year to the end of {period.title}.")
        else:
            figures.append(_figure(by, words, mine))
    return Section(SLUG, "Selectors and rules", (Part(None, tuple(texts), tuple(figures)),))


def _figure(by: str, words: str, league: pd.DataFrame) -> Figure:
    signal = _signal(words, league)
    stale = league[league["stale"].notna()]
    finders = int((league["finds"] > 0).sum())
    says = (
        f"{counted(len(league), by)} stood or matched; {finders:,} of them had a find, and "
        f"{len(stale):,} should be retired or renewed."
    )
    table = Table(
        f"league-{words}",
        f"What {words} came to",
        (
            Column("entry", by.capitalize()),
            Column("stale", "Retire or renew"),  # what is decided is seen without scrolling
            Column("matches", "Movements that met it", "count", missing=_FEW),
            Column("examined", "Examined", "count", missing=_FEW),
            Column("find_rate", "Found something", "rate", missing="too few"),
            Column("dismissed", "Dismissed as false", "count", missing=_FEW),
            Column("last_match", "Last match"),
            Column("last_find", "Last find"),
            Column("expires", "Ends"),
            Column("agency", "Agency"),
            Column("approved", "Approvals"),
        ),
        _shown(league),
    )
    definition = (
        "Each movement counts once for each entry that it met, with the examination and the result "
        "that are known of it, whatever it was examined for. Dismissed: the last decision on the "
        "answer says that the match was false. Approved: authenticated when everybody signed with "
        "the key that is configured for that name, attributed where there is only a name. "
        f"Retire or renew: {_RULE}. Counts from 1 "
        f"to {FEWEST_SHOWN - 1} are kept back, and so are finds among fewer than {FEWEST_SHOWN} "
        "examinations and the days of what is kept back. Intervals are Wilson's, 95%."
    )
    return Figure(says, worry_of((signal,)), table, definition, None, (signal,))


_RULE = (
    f"it ends within {EXPIRES_WITHIN_DAYS} days; officers dismissed more than {percent(MOSTLY)} of "
    f"its matches, {FEWEST_DISMISSALS} or more; it has stood {NO_MATCH_DAYS} days without a match; "
    f"or {NO_FIND_DAYS} days without a find, with {FEWEST_EXAMINATIONS} examinations or more"
)


def _shown(league: pd.DataFrame) -> pd.DataFrame:
    few = {key: league[key].between(1, FEWEST_SHOWN - 1) for key in ("matches", "dismissed")}
    hidden = league["examined"] < FEWEST_SHOWN
    names, ended = _names(league), league["since"].isna()
    return pd.DataFrame(
        {
            "entry": names,
            "stale": league["stale"].fillna("no").mask(ended, "has ended"),
            "matches": counts_shown(league["matches"], few["matches"]),
            "examined": counts_shown(league["examined"], hidden & (league["examined"] > 0)),
            **rate_columns("find_rate", league["finds"], league["examined"], hidden),
            "dismissed": counts_shown(league["dismissed"], few["dismissed"]),
            "last_match": _days(league["last_match"].mask(few["matches"]), few["matches"]),
            "last_find": _days(league["last_find"].mask(hidden), hidden & (league["finds"] > 0)),
            "expires": [_day(at, "has ended") for at in league["expires_at"]],
            "agency": league["agency"],
            "approved": league["approved"].fillna("has ended"),
        }
    )


def _names(league: pd.DataFrame) -> list[str]:
    """As the agencies call them; hidden ones are counted through."""
    names, hidden = [], 0
    for row in league.to_dict("records"):
        version = "" if pd.isna(row["version"]) else f", version {row['version']}"
        if row["handling"] == "hidden":
            hidden += 1
            names.append(f"hidden {row['by']} no. {hidden}")
        else:
            names.append(f"{row['id']}{version}")
    return names


def _days(instants: pd.Series, kept_back: pd.Series) -> list[str]:
    return [
        _FEW if back else _day(at, "never") for at, back in zip(instants, kept_back, strict=True)
    ]


def _day(at: float, otherwise: str) -> str:
    return otherwise if pd.isna(at) else iso(int(at))[:10]


def _signal(words: str, league: pd.DataFrame) -> Signal:
    standing = league[league["since"].notna()]
    stale = int(standing["stale"].notna().sum())
    colour: Colour = "amber" if stale else "green"
    return Signal(
        SLUG,
        f"stale-{words}",
        None,
        colour if len(standing) else "grey",
        float(stale),
        len(standing),
        f"amber when one of the {words} should be retired or renewed: {_RULE}",
        "senior responsible owner",
        f"ask the owner of each of these {words} to retire it, or to say why it stays",
    )
