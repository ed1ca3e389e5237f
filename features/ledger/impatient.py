"""A connection to PostgreSQL that is given up when the server says nothing for too long.

``statement_timeout`` is kept by the server, and so not by one that is stopped or out of reach; and
a way that swallows everything keeps the connection itself alive.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

_FROM_THE_SYSTEM = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""Seconds, the last one milliseconds: a peer that acknowledges nothing is gone after 25 s."""


class ImpatientConnection(psycopg.Connection[tuple[Any, ...]]):
    """Closed, with an error, when something takes longer than it is waited for."""

    answer_seconds: float | None = None
    """Each answer is waited for so long; None: as long as it takes."""
    _all_until: tuple[float, float] | None = None
    """``time.monotonic`` after which nothing is waited for any more, and how long that was."""

    @contextmanager
    def all_within(self, seconds: float | None) -> Iterator[None]:
        """Besides, all answers until its end together are waited for so long."""
        self._all_until = None if seconds is None else (time.monotonic() + seconds, seconds)
        try:
            yield
        finally:
            self._all_until = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        began = time.monotonic()
        limits = [(given, given) for given in (timeout, self.answer_seconds) if given is not None]
        if self._all_until is not None:
            end, seconds = self._all_until
            limits.append((max(end - began, 0.0), seconds))
        limit, said = min(limits, default=(None, 0.0))
        try:
            return super().wait(gen, interval, limit)
        except psycopg.OperationalError as exc:
            if limit is None or self.closed or time.monotonic() - began < limit:
                raise
            self.pgconn.finish()  # what is still on its way would be taken for the next answer
            raise psycopg.OperationalError(f"no answer within {said:.2g} s") from exc


def connect(url: str, **parameters: Any) -> ImpatientConnection:
    """Every statement commits by itself; what the URL says goes before how we would watch it.

    Raises:
        psycopg.Error: there is no server, or it refuses.
    """
    given = _FROM_THE_SYSTEM | conninfo_to_dict(url) | parameters
    return ImpatientConnection.connect(autocommit=True, **given)
