"""What came of one kind and what did not: silent days, silent places, delay, refused rows."""

import pandas as pd

from monitoring.findings import KindFindings
from monitoring.page import KIND_WORDS, Figure, Worry, kind_heading
from monitoring.periods import Period
from monitoring.signals import Colour, Signal, rising
from monitoring.statistics.feeds import (
    AHEAD_SHARE_MANY,
    AHEAD_SHARE_TO_LOOK_AT,
    AT_MOST,
    BY_CHANCE,
    LATE_HOURS,
    Delay,
    Feeds,
)
from monitoring.tables import Column, Table, percent

_STANDS_OUT = (
    f"A count stands out when it is less than {AT_MOST:.0%} of what was to be expected, and so few "
    f"would come by chance less than once in {1 / BY_CHANCE:,.0f} times (Poisson)."
)
A_MOMENT_HOURS = 1 / 60
"""Movements that come faster than this come at once: there is no delay to speak of."""
_WORRY: dict[Colour, Worry] = {"red": "look", "amber": "look", "green": "calm", "grey": "unknown"}


def figures(found: KindFindings, period: Period) -> tuple[Figure, ...]:
    feeds = found.feeds
    if feeds is None:
        return ()
    return (_days(found, feeds), _places(found, feeds, period), _delay(found, feeds))


def _days(found: KindFindings, feeds: Feeds) -> Figure:
    words, silent = KIND_WORDS[found.kind], feeds.silent_days
    colour = rising(len(silent), amber=1, red=3) if feeds.compared_days else "grey"
    if not feeds.compared_days:
        says = f"No {words} came before this period, so a silent day cannot be told."
    elif silent.empty:
        says = f"{words.capitalize()} came on all {feeds.days} days about as usual."
    else:
        days = ", ".join(silent["day"].head(3)) + (" and others" if len(silent) > 3 else "")
        says = (
            f"On {len(silent)} of {feeds.days} days far fewer {words} came than usual ({days}): "
            "ask whether a feed failed before reading anything into this period's figures."
        )
    table = Table(
        f"{found.kind}-silent-days",
        f"{kind_heading(found.kind)}: days on which too few came",
        (
            Column("day", "Day"),
            Column("movements", "Movements", "count"),
            Column("expected", "Expected", "days"),
        ),
        silent,
    )
    definition = (
        "Movements by the UTC day on which this system first knew them. Expected: the mean of the "
        f"same day of the week in the {feeds.compared_days} days before the period. {_STANDS_OUT}"
    )
    signal = _signal(
        found,
        "silent-days",
        colour,
        len(silent),
        feeds.days,
        "red from 3 silent days, amber from 1",
        "find out which feed failed and load what it held back",
    )
    return Figure(says, _WORRY[colour], table, definition, signals=(signal,))


def _places(found: KindFindings, feeds: Feeds, period: Period) -> Figure:
    silent = feeds.silent_places
    colour = rising(len(silent), amber=1, red=3) if feeds.places else "grey"
    if not feeds.places:
        says = "No results came before this period, so a silent place cannot be told."
    elif silent.empty:
        says = f"Results came from all {feeds.places} places about as before."
    else:
        places = ", ".join(silent["place"].head(3)) + (" and others" if len(silent) > 3 else "")
        says = (
            f"From {len(silent)} of {feeds.places} places far fewer results came than before "
            f"({places}). Without results the model learns nothing from there, and what it finds "
            "there does not count."
        )
    table = Table(
        f"{found.kind}-silent-places",
        f"{kind_heading(found.kind)}: places from which too few results came",
        (
            Column("place", "Place"),
            Column("results", "Results", "count"),
            Column("expected", "Expected", "days"),
        ),
        silent,
    )
    definition = (
        f"Results of examinations that became known in {period.title}, by the route, port or "
        "office of the movement, beside what came in the 90 days before, scaled to the length of "
        f"the period. {_STANDS_OUT}"
    )
    signal = _signal(
        found,
        "silent-places",
        colour,
        len(silent),
        feeds.places,
        "red from 3 silent places, amber from 1",
        "ask the place whether it still examines and whether its results are sent",
    )
    return Figure(says, _WORRY[colour], table, definition, signals=(signal,))


def _delay(found: KindFindings, feeds: Feeds) -> Figure:
    now, before = feeds.delay, feeds.delay_before
    late: Colour = "grey" if not before.movements else "amber" if now.grew_from(before) else "green"
    ahead = rising(now.ahead_share, amber=AHEAD_SHARE_TO_LOOK_AT, red=AHEAD_SHARE_MANY)
    rows = [("This period", now), ("The 90 days before", before)]
    table = Table(
        f"{found.kind}-delay",
        f"{kind_heading(found.kind)}: from declaration to ledger",
        (
            Column("when", "When"),
            Column("movements", "Movements", "count"),
            Column("median", "Median, hours", "days", missing="no movements"),
            Column("ninth_decile", "Nine in ten within, hours", "days", missing="no movements"),
            Column("ahead", "Declared after they were known", "count"),
        ),
        pd.DataFrame([{"when": when, **delay._asdict()} for when, delay in rows]),
    )
    definition = (
        "From the moment a movement was declared to the moment this system knew it. Old files that "
        "were loaded at once bring their own clock. Looked at when the median has doubled and grew "
        f"by {LATE_HOURS:g} h or more; medians of all movements, so they have no interval. "
        "Declared after they were known: more than five minutes later, which only a clock that is "
        "wrong can explain; files with such rows are refused, so they come through the service."
    )
    lateness = _signal(
        found,
        "ledger-delay",
        late,
        now.median,
        now.movements,
        f"amber when the median doubled and grew by {LATE_HOURS:g} h",
        "look at what sends the declarations, and at the queue before the service",
    )
    clock = _signal(
        found,
        "clock-ahead",
        ahead,
        now.ahead_share,
        now.movements,
        f"red from {AHEAD_SHARE_MANY:.0%} of movements declared after they were known, "
        f"amber from {AHEAD_SHARE_TO_LOOK_AT:.0%}",
        "compare the clock of the sender, and its time zone, with UTC",
    )
    says = _delay_in_words(KIND_WORDS[found.kind], now, before)
    worry = _WORRY[ahead if ahead in ("red", "amber") else late]
    return Figure(says, worry, table, definition, signals=(lateness, clock))


def _delay_in_words(words: str, now: Delay, before: Delay) -> str:
    says = f"There is nothing earlier to compare the delay of {words} with."
    if before.movements and max(now.ninth_decile, before.median) < A_MOMENT_HOURS:
        says = f"Nine in ten of the {words} were known here within a minute of their declaration."
    elif before.movements:
        says = (
            f"Half of the {words} were known here within {_hours(now.median)} of their declaration "
            f"({_hours(before.median)} before), nine in ten within {_hours(now.ninth_decile)}."
        )
    if before.movements and now.grew_from(before):
        says += " They come later than they did: a score that comes late is of no use."
    if now.ahead_share >= AHEAD_SHARE_TO_LOOK_AT:
        says += (
            f" {now.ahead:,} of them ({percent(now.ahead_share)}) were declared, by the sender's "
            "clock, after they were known here: a clock or a time zone is wrong."
        )
    return says


def _hours(hours: float) -> str:
    """
    >>> _hours(0.25), _hours(3.0), _hours(float("nan"))
    ('15 minutes', '3.0 hours', 'unknown')
    >>> _hours(-1.0)  # declared after it was known: said in a sentence of its own
    '0 minutes'
    """
    if hours != hours:
        return "unknown"
    return f"{60 * max(hours, 0):.0f} minutes" if hours < 1 else f"{hours:.1f} hours"


def _signal(
    found: KindFindings, name: str, colour: Colour, value: float, n: int, rule: str, action: str
) -> Signal:
    return Signal("quality", name, found.kind, colour, value, n, rule, "data owner", action)


def rejected(rows: pd.DataFrame, period: Period) -> Figure:
    """What ingest refused, of all kinds."""
    total = int(rows["rows"].sum())
    if total:
        worst = rows.iloc[0]
        says = (
            f"{total:,} rows of files were refused in {period.title}; the most frequent reason is "
            f"{worst['code']} ({int(worst['rows']):,} rows of {worst['kind']} {worst['about']})."
        )
    else:
        says = f"No row of a file was refused in {period.title}."
    table = Table(
        "rejected-rows",
        "Rows that ingest refused, by rule",
        (
            Column("kind", "Kind"),
            Column("about", "File of"),
            Column("code", "Rule"),
            Column("rows", "Rows", "count"),
            Column("files", "Files", "count"),
        ),
        rows,
    )
    definition = (
        "From the lists of refused rows that foreland ingest wrote in the period; a file that is "
        "loaded again replaces its list. Requests that the API refused are counted by its metrics "
        "(foreland_problems_total), not here. Counts of all rows, so they have no interval."
    )
    return Figure(says, "look" if total else "calm", table, definition)
