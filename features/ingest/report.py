"""What an ingest did, counted while it runs and told when it has ended."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from features.records import Problem

MOST_SENTENCES = 99


class Refusal(NamedTuple):
    """Rows that are refused for one and the same reason."""

    code: str
    pointer: str
    """JSON pointer to the field, with ``*`` for every place in a list."""
    rows: int
    file: str
    first: int
    """Number of the first such row; 1 is the first after the header."""
    message: str
    """What is wrong with that one."""
    others: int
    """Further sentences about the other rows, at most ``MOST_SENTENCES``; numbers make none."""


class Refusals:
    """Counts refused rows by reason; memory grows with the reasons, not with the rows."""

    def __init__(self) -> None:
        self.rows = 0
        self.codes: Counter[str] = Counter()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._firsts: dict[tuple[str, str], tuple[str, int, str]] = {}
        self._sentences: defaultdict[tuple[str, str], set[str]] = defaultdict(set)

    def add(self, file: str, number: int, problems: tuple[Problem, ...]) -> None:
        self.rows += 1
        self.codes.update(problem.code for problem in problems)
        for problem in problems:
            reason = (problem.code, re.sub(r"/[0-9]+(?=/|$)", "/*", problem.pointer))
            self._counts[reason] += 1
            self._firsts.setdefault(reason, (file, number, problem.message))
            sentences = self._sentences[reason]
            if len(sentences) <= MOST_SENTENCES:
                sentences.add(re.sub("[0-9]+", "0", problem.message))

    def by_reason(self) -> tuple[Refusal, ...]:
        """The most frequent reason first."""
        return tuple(
            Refusal(
                *(code, pointer, rows),
                *self._firsts[code, pointer],
                others=len(self._sentences[code, pointer]) - 1,
            )
            for (code, pointer), rows in sorted(
                self._counts.items(), key=lambda entry: (-entry[1], entry[0])
            )
        )


class IngestReport(NamedTuple):
    kind: str
    movements: int
    """Rows of movements that keep every rule; a movement with two versions is two."""
    outcomes: dict[str, int]
    """How many of each outcome keep every rule."""
    appended: int
    duplicates: int
    """Events that the ledger had already."""
    resumed_after: int
    """Rows that an earlier, interrupted run had brought in; 0 when there was none."""
    rejected: dict[str, int]
    """Problems of refused rows, by code."""
    rejected_rows: int
    refusals: tuple[Refusal, ...]
    rejects: tuple[Path, ...]
    """Where the refused rows are listed."""
    outcomes_elsewhere: int | None
    """Outcomes whose movement is not in the same run; None when there was nothing to compare."""
    times_twice: int
    """Wall-clock times that came twice in one autumn night; the first was taken."""
    simulated: bool
    dry_run: bool


SHOWN = 10
"""Reasons that are shown after an ingest; a dry run shows all."""
HEADINGS = ("code", "field", "rows", "first", "what is wrong with it")


def summary(report: IngestReport) -> Iterator[str]:
    """A line for each thing there is to say; the table of refusals comes after it."""
    simulated = "simulated " if report.simulated else ""
    labels = ", ".join(f"{n:,} {name}" for name, n in sorted(report.outcomes.items())) or "none"
    movements = _many(report.movements, f"{simulated}movement row")
    appended, resumed = _many(report.appended, "event"), _many(report.resumed_after, "row")
    yield f"{report.kind}: {movements}; outcomes: {labels}"
    if report.dry_run:
        yield f"dry run: {appended} would go to the ledger, nothing was written"
    else:
        if report.resumed_after:
            yield f"an earlier run had brought in {resumed}; went on from there"
        there = f"{report.duplicates:,} {'was' if report.duplicates == 1 else 'were'} there before"
        yield f"ledger: {appended} added, {there}"
    if report.outcomes_elsewhere:
        are = "is" if report.outcomes_elsewhere == 1 else "are"
        yield f"{_many(report.outcomes_elsewhere, 'outcome')} {are} about movements of other files"
    if report.times_twice:
        times = _many(report.times_twice, "wall-clock time")
        yield f"{times} came twice that night; took the first"
    if report.rejected_rows:
        codes = ", ".join(f"{code} {n:,}" for code, n in sorted(report.rejected.items()))
        yield f"refused: {_many(report.rejected_rows, 'row')} ({codes})"


def refusal_rows(report: IngestReport) -> Iterator[tuple[str, ...]]:
    """The cells of the table, as under ``HEADINGS``."""
    shown = len(report.refusals) if report.dry_run else SHOWN
    for refusal in report.refusals[:shown]:
        first = f"{refusal.file} row {refusal.first}"
        pointer = refusal.pointer or "(record)"
        yield refusal.code, pointer, f"{refusal.rows:,}", first, _told(refusal)


def _told(refusal: Refusal) -> str:
    if not refusal.others:
        return refusal.message
    least = "at least " if refusal.others == MOST_SENTENCES else ""
    return f"{refusal.message} (and {least}{_many(refusal.others, 'other sentence')})"


def _many(count: int, what: str) -> str:
    """
    >>> _many(1, "row"), _many(2_000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def afterwards(report: IngestReport) -> Iterator[str]:
    """What is said below the table."""
    hidden = 0 if report.dry_run else len(report.refusals) - SHOWN
    if hidden > 0:
        yield f"and {_many(hidden, 'more reason')}; --dry-run shows all"
    for path in report.rejects:
        yield f"all of them: {path}"
