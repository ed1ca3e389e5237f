"""What is new, rising or falling, among finds and among movements, between two windows of time.

Looking more finds more, which is no rise of smuggling: finds are compared per examination. Both
families of tests are exact and adjusted for their number (``monitoring.statistics.chance``). Finds
that belong together are one case: ten lorries of one company may be new, but are no tactic yet.
Frames are those of ``monitoring.tactics``.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.clock import Micros
from monitoring.statistics.chance import (
    AMBER_FROM,
    FALSE_DISCOVERIES,
    ByChance,
    false_discovery,
    rates_alike,
    shares_alike,
)
from monitoring.statistics.rates import rate_columns

FEWEST_FINDS = 3
"""Of both windows together, before a combination is tested: below, no test could ever tell."""
FEWEST_TO_ALARM = 5
"""Finds in the period before a new or rising combination turns a light."""
FEWEST_CASES = 3
"""Likewise: one company that is found out again and again is a matter for a selector, several
companies are a tactic."""
CASES_BY_CHANCE = AMBER_FROM
"""Likewise: of the companies examined, so many are found out by chance at most this often. The test
of finds takes them for independent of each other, and those of one company are not."""
FEWEST_MOVEMENTS = 20
"""Of both windows together, likewise."""
LEAST_CHANGE = 1.25
"""Among movements a share that changed by less is not named: of a million, any change is sure."""
MOST_NAMED = 0.5
"""Of the finds before, so many say it; else threats, or concealments, are not compared."""
THREAT, CONCEALMENT = "threat", "concealment"
OF_FINDS = (THREAT, CONCEALMENT)
"""What a find says and no movement declares."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Windows(NamedTuple):
    """``before <= t < start`` is compared with ``start <= t < end``, microseconds."""

    before: Micros
    start: Micros
    end: Micros


def trends(
    frame: pd.DataFrame,
    windows: Windows,
    combinations: Sequence[tuple[str, ...]],
    with_concealment: Sequence[tuple[str, ...]] = (),
) -> pd.DataFrame:
    """Every combination that could be tested, those that change first.

    Args:
        frame: movements with ``available_at``, attributes, ``label``, ``threat``, ``concealment``
            (if it is asked for) and ``case`` (int64: finds with the same number belong together);
            what was known at the end of the windows. Finds from before them tell what is new.
        combinations: of attributes; each is looked at by itself and by what threat was found.
        with_concealment: what is looked at by how it was concealed: attributes, the threat, or
            nothing else.

    Returns:
        Columns: ``what`` (names of the attributes), ``value``; ``movements``, ``examined`` and
        ``finds``, each also ``_before``; ``cases`` and ``cases_examined`` (with a find, and with
        any examination), each also ``_before``;
        ``finds_ever_before`` (of all time before the start);
        ``examination_rate`` and ``find_rate`` with intervals, also ``_before``; ``share_change``
        (share of movements now over that before); ``among_finds`` and ``among_movements``
        (``new``, ``rising``, ``falling``, ``not told apart``; missing where not tested);
        ``first_found`` (bool: found now, and never before); ``finds_p`` and ``movements_p``,
        adjusted; ``cases_p``, the chance that of the cases examined so many or more have a find,
        for this combination by itself. Rows with a threat or a concealment count the movements and
        examinations of the rest of the combination, and have no trend among movements; there is
        none where most finds before did not say it, since each that is named now would seem new.
        Movements that lack an attribute are in no combination of it.
    """
    plain = [_counted(frame, windows, names) for names in combinations]
    asked = [(*names, THREAT) for names in ((), *combinations)]
    asked += [(*names, CONCEALMENT) for names in with_concealment]
    said = _said_before(frame, windows, OF_FINDS if with_concealment else (THREAT,))
    by_find = [
        _counted_by_find(frame, windows, names)
        for names in asked
        if said.issuperset(_split(names)[1])
    ]
    counts = pd.concat([*plain, *by_find], ignore_index=True)
    totals = _totals(frame, windows)
    verdicts = [_among_finds(counts, totals), _among_movements(counts, totals)]
    table = pd.concat([counts, *verdicts], axis=1).drop(columns="by_find")
    tested = table[table["among_finds"].notna() | table["among_movements"].notna()]
    for key in ("", "_before"):
        seen, looked, found = (tested[f"{name}{key}"] for name in _COUNTS)
        tested = tested.assign(
            **_rates("examination_rate", key, looked, seen),
            **_rates("find_rate", key, found, looked),
        )
    order = ["finds_p", "movements_p", "what", "value"]
    return tested.sort_values(order, na_position="last", kind="stable").reset_index(drop=True)


def changing(table: pd.DataFrame, among: str) -> pd.DataFrame:
    """The rows of :func:`trends` that are new, rising or falling ``among`` finds or movements."""
    named = table[table[f"among_{among}"].isin(["new", "rising", "falling"])]
    return named.sort_values([f"{among}_p", "what", "value"], kind="stable")


def alarming(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of :func:`trends` that are new or rising among finds, and large enough to act on.

    Of companies as of finds: what a few companies bring again and again rises by itself when one of
    them begins, on any border.
    """
    named = changing(table, "finds")
    large = (named["finds"] >= FEWEST_TO_ALARM) & (named["cases"] >= FEWEST_CASES)
    several = named["cases_p"] < CASES_BY_CHANCE
    return named[large & several & (named["among_finds"] != "falling")]


def _said_before(frame: pd.DataFrame, windows: Windows, asked: Sequence[str]) -> set[str]:
    """Those that enough finds before say; all of them if nothing was found."""
    _, before, _ = _when(frame, windows)
    finds = frame[before & (frame["label"] == 1.0).to_numpy()]
    return {name for name in asked if finds.empty or finds[name].notna().mean() >= MOST_NAMED}


def _split(names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """
    >>> _split(("route", "goods", "threat"))
    (('route', 'goods'), ('threat',))
    """
    attributes = tuple(name for name in names if name not in OF_FINDS)
    return attributes, names[len(attributes) :]


class _Totals(NamedTuple):
    movements: int
    movements_before: int
    examined_before: int
    finds_before: int
    cases_examined_before: int
    cases_before: int


def _totals(frame: pd.DataFrame, windows: Windows) -> _Totals:
    now, before, _ = _when(frame, windows)
    labels = frame["label"].to_numpy(np.float64)
    examined, found = before & ~np.isnan(labels), before & (labels == 1.0)
    return _Totals(
        movements=int(now.sum()),
        movements_before=int(before.sum()),
        examined_before=int(examined.sum()),
        finds_before=int(found.sum()),
        cases_examined_before=frame["case"][examined].nunique(),
        cases_before=frame["case"][found].nunique(),
    )


def _when(frame: pd.DataFrame, windows: Windows) -> tuple[NDArray[np.bool_], ...]:
    """bool[n] each: in the window, in the one before, at any time before the window."""
    moments = frame["available_at"].to_numpy(np.int64)
    earlier = moments < windows.start
    return (
        (moments >= windows.start) & (moments < windows.end),
        earlier & (moments >= windows.before),
        earlier,
    )


_COUNTS = ("movements", "examined", "finds")


def _counted(frame: pd.DataFrame, windows: Windows, names: tuple[str, ...]) -> pd.DataFrame:
    """One row a combination: ``what``, ``value``, the counts of both windows."""
    code, values = _codes(frame, names)
    present = code >= 0
    labels = frame["label"].to_numpy(np.float64)
    examined, found = ~np.isnan(labels), labels == 1.0
    conditions = (np.ones(len(code), bool), examined, found)
    now, before, earlier = _when(frame, windows)
    case = frame["case"].to_numpy(np.int64)

    def counted(mask: NDArray[np.bool_]) -> Ints:
        return np.bincount(code[mask & present], minlength=len(values))

    def cases(mask: NDArray[np.bool_]) -> Ints:
        pairs = pd.DataFrame({"code": code, "case": case})[mask & present].drop_duplicates()
        return np.bincount(pairs["code"], minlength=len(values))

    return pd.DataFrame(
        {
            "what": " and ".join(names),
            "value": pd.Series(values, dtype="str"),
            **{
                f"{key}{when}": counted(window & met)
                for when, window in (("", now), ("_before", before))
                for key, met in zip(_COUNTS, conditions, strict=True)
            },
            "cases": cases(now & found),
            "cases_before": cases(before & found),
            "cases_examined": cases(now & examined),
            "cases_examined_before": cases(before & examined),
            "finds_ever_before": counted(earlier & found),
            "by_find": False,
        }
    )


def _counted_by_find(frame: pd.DataFrame, windows: Windows, names: tuple[str, ...]) -> pd.DataFrame:
    """Finds by combination and what they say, beside movements and examinations of the rest of it.

    Args:
        names: attributes, then at least one of ``OF_FINDS``.
    """
    attributes, said = _split(names)
    found = _counted(frame[frame["label"] == 1.0], windows, names).assign(by_find=True)
    if attributes:
        whole = _counted(frame, windows, attributes)
        rest = found["value"].str.rsplit(_BETWEEN, n=len(said)).str[0]
    else:
        everything = frame[["available_at", "label", "case"]].assign(everything="all")
        whole = _counted(everything, windows, ("everything",))
        rest = pd.Series("all", found.index)
    of_whole = whole.set_index("value").reindex(rest)
    names_of_whole = ("movements", "examined", "cases_examined")
    columns = [f"{name}{when}" for name in names_of_whole for when in ("", "_before")]
    return found.assign(**{key: of_whole[key].to_numpy() for key in columns})


_BETWEEN = " + "


def _codes(frame: pd.DataFrame, names: tuple[str, ...]) -> tuple[Ints, list[str]]:
    """int64[n] into the values that occur, -1 where an attribute is missing."""
    columns = [frame[name].astype("category") for name in names]
    code = columns[0].cat.codes.to_numpy(np.int64)
    for column in columns[1:]:
        mine = column.cat.codes.to_numpy(np.int64)
        both = code * len(column.cat.categories) + mine
        code = np.where((code < 0) | (mine < 0), -1, both)
    occurring, dense = np.unique(code, return_inverse=True)
    missing = int(len(occurring) > 0 and occurring[0] < 0)
    return dense - missing, _values(occurring[missing:], columns)


def _values(codes: NDArray[np.integer[Any]], columns: Sequence[pd.Series]) -> list[str]:
    parts: list[list[str]] = []
    for column in reversed(columns):
        words = column.cat.categories.astype(str).to_numpy()
        codes, at = np.divmod(codes, max(len(words), 1))
        parts.append([str(word).replace(_BETWEEN, "+") for word in words[at]])
    return [_BETWEEN.join(reversed(value)) for value in zip(*parts, strict=True)]


def _rates(name: str, key: str, hits: pd.Series, of: pd.Series) -> dict[str, Floats]:
    columns = rate_columns(name, hits, of)
    return {f"{name}{key}{end}": columns[f"{name}{end}"] for end in ("", "_low", "_high")}


def _among_finds(counts: pd.DataFrame, totals: _Totals) -> pd.DataFrame:
    """Finds per examination, now and before; what nobody examined before, beside all of before."""
    finds = counts["finds"].to_numpy(np.int64)
    enough = finds + counts["finds_before"].to_numpy() >= FEWEST_FINDS
    enough &= counts["examined"].to_numpy() > 0
    tested = counts[enough]
    whole = (totals.finds_before, totals.examined_before)
    tests = _beside(tested, ("finds", "examined"), whole)
    cases = np.full(len(counts), np.nan)
    whole = (totals.cases_before, totals.cases_examined_before)
    cases[enough] = _beside(tested, ("cases", "cases_examined"), whole).higher
    new = (counts["finds_ever_before"].to_numpy() == 0) & (finds > 0)
    return _verdicts("finds", enough, tests, new).assign(first_found=new, cases_p=cases)


def _beside(counts: pd.DataFrame, names: tuple[str, str], whole: tuple[int, int]) -> ByChance:
    """The share of the first name among the second, now and before.

    Args:
        whole: both of all before, for what nobody examined before.
    """
    hits, of = (counts[name].to_numpy(np.int64) for name in names)
    then, then_of = (counts[f"{name}_before"].to_numpy(np.int64) for name in names)
    unseen = then_of == 0
    then, then_of = (np.where(unseen, a, b) for a, b in zip(whole, (then, then_of), strict=True))
    return shares_alike(hits, of, then, then_of)


def _among_movements(counts: pd.DataFrame, totals: _Totals) -> pd.DataFrame:
    seen, then = (counts[key].to_numpy(np.int64) for key in ("movements", "movements_before"))
    enough = (seen + then >= FEWEST_MOVEMENTS) & ~counts["by_find"].to_numpy()
    enough &= min(totals.movements, totals.movements_before) > 0
    tests = rates_alike(seen[enough], totals.movements, then[enough], totals.movements_before)
    expected = then * (totals.movements / max(totals.movements_before, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.where(enough, seen / expected, np.nan)
    verdicts = _verdicts("movements", enough, tests, then == 0)
    small = (change < LEAST_CHANGE) & (change > 1 / LEAST_CHANGE)
    named = verdicts["among_movements"].isin(["rising", "falling"])
    verdicts.loc[small & named, "among_movements"] = "not told apart"
    return verdicts.assign(share_change=change)


def _verdicts(
    family: str, enough: NDArray[np.bool_], tests: ByChance, new: NDArray[np.bool_]
) -> pd.DataFrame:
    adjusted = np.full(len(enough), np.nan)
    adjusted[enough] = false_discovery(tests.either)
    rises = np.zeros(len(enough), bool)
    rises[enough] = tests.higher < tests.lower
    surely = adjusted <= FALSE_DISCOVERIES
    words = np.where(rises, np.where(new, "new", "rising"), "falling")
    verdict = pd.Series(np.where(surely, words, "not told apart")).where(~np.isnan(adjusted))
    return pd.DataFrame({f"among_{family}": verdict, f"{family}_p": adjusted})
