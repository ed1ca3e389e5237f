"""How far a long command has come: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

SECONDS_BETWEEN_LINES = 30.0

Advance = Callable[[str, int], None]
"""Told what was done (``checked``, ``loaded``) and how many since last time."""


@contextmanager
def progress(what: str, total: int | None, out: TextIO | None = None) -> Iterator[Advance]:
    """On ``out``, standard error unless said otherwise; ``what`` are ``rows`` or ``days``.

    A command that ends within half a minute says nothing unless it is on a terminal.
    """
    out = out or sys.stderr
    if not out.isatty():
        yield Lines(what, out, time.monotonic)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(file=out), transient=True) as bar:
        tasks: dict[str, int] = {}

        def advance(name: str, count: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(f"{name} {what}", total=total)
            bar.advance(tasks[name], count)  # type: ignore[arg-type]

        yield advance


class Lines:
    """``checked 1,000,000 rows``, twice a minute."""

    def __init__(self, what: str, out: TextIO, clock: Callable[[], float]) -> None:
        self._what, self._out, self._clock = what, out, clock
        self._counts: Counter[str] = Counter()
        self._last = clock()

    def __call__(self, name: str, count: int) -> None:
        self._counts[name] += count
        now = self._clock()
        if now - self._last >= SECONDS_BETWEEN_LINES:
            self._last = now
            print(f"{name} {self._counts[name]:,} {self._what}", file=self._out, flush=True)
