"""What the file of links says of one entity as of an instant, with an end to how much is read.

A row counts for whoever asks with ``visible_from < as_of <= visible_to``: equal is not visible.
"""

import sqlite3
import time
from collections.abc import Mapping
from functools import cache
from typing import Literal, NamedTuple

from features.clock import Micros
from features.neighbourhood.spans import FOUND, UNEXAMINED
from features.neighbourhood.ties_file import TiesFile

End = Literal["organisation", "connector"]
OTHER: Mapping[End, End] = {"organisation": "connector", "connector": "organisation"}
STEPS_BETWEEN_LOOKS = 20_000
"""Of SQLite's machine, after which it looks whether its time is over: less than a millisecond."""


class Seen(NamedTuple):
    """What standing movements say of one link."""

    movements: int
    first_seen: Micros
    """When the first version of the first of them became known."""
    last_seen: Micros
    examinations: int
    """Of these movements. 0: nobody looked, which is not clean."""
    finds: int


class Examined(NamedTuple):
    """What examinations of movements that name an entity, in whatever role, ended in."""

    examinations: int
    finds: int
    last_find_at: Micros | None
    """When it became known."""


class TimeIsOver(Exception):
    """Reading stops here; what was read so far holds."""


class TiesReader:
    """One question's reading of the file, within ``TiesFile.reading``.

    Args:
        stop_at: by ``time.monotonic``; None: it has all the time.
    """

    def __init__(self, ties: TiesFile, as_of: Micros, stop_at: float | None) -> None:
        self._ties = ties
        self._as_of = as_of
        self._stop_at = stop_at
        self.cut = False
        """Some entity has more movements than were read of it."""
        self.key = cache(ties.key)
        self.examined = cache(self._examined)

    def take_all_time(self) -> None:
        self._stop_at = None

    def links(self, end: End, entity: int, most_rows: int) -> dict[int, Seen]:
        """The other ends of the entity's live links: of its newest ``most_rows`` movements, and of
        as many older ones with a find."""
        rows = self._ask(_NEWEST[end], entity, most_rows)
        found = {other: Seen(*seen) for other, _, _, *seen in rows if seen[0]}
        if sum(row[1] for row in rows) == most_rows:
            self.cut = True
            older_than = min(row[2] for row in rows)
            for other, *seen in self._ask(_OLDER_FINDS[end], entity, most_rows, older_than):
                found[other] = _added(found.get(other), Seen(*seen))
        return found

    def _examined(self, entity: int) -> Examined:
        ((examinations, finds, last),) = self._ask(_EXAMINED, entity, 0)
        return Examined(examinations, finds or 0, last)

    def _ask(
        self, statement: str, entity: int, most_rows: int, older_than: Micros = 0
    ) -> list[tuple[int, ...]]:
        connection, stop_at = self._ties.connection, self._stop_at
        given = {
            "entity": entity,
            "as_of": self._as_of,
            "most_rows": most_rows,
            "older_than": older_than,
        }
        if stop_at is None:
            return connection.execute(statement, given).fetchall()
        if time.monotonic() > stop_at:
            raise TimeIsOver
        connection.set_progress_handler(lambda: time.monotonic() > stop_at, STEPS_BETWEEN_LOOKS)
        try:
            return connection.execute(statement, given).fetchall()
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            raise TimeIsOver from exc
        finally:
            connection.set_progress_handler(None, 0)


def _added(one: Seen | None, other: Seen) -> Seen:
    if one is None:
        return other
    return Seen(
        one.movements + other.movements,
        min(one.first_seen, other.first_seen),
        max(one.last_seen, other.last_seen),
        one.examinations + other.examinations,
        one.finds + other.finds,
    )


_VISIBLE = "(visible_from < :as_of AND visible_to >= :as_of)"
_SEEN = f"""count(*) FILTER (WHERE {_VISIBLE}),
    min(since) FILTER (WHERE {_VISIBLE}), max(since) FILTER (WHERE {_VISIBLE}),
    count(*) FILTER (WHERE {_VISIBLE} AND state != {UNEXAMINED}),
    count(*) FILTER (WHERE {_VISIBLE} AND state = {FOUND})"""
_NEWEST: Mapping[End, str] = {
    end: f"""
    SELECT {OTHER[end]}, count(*), min(since), {_SEEN}
    FROM (SELECT {OTHER[end]}, since, state, visible_from, visible_to FROM links
        WHERE {end} = :entity AND since < :as_of ORDER BY since DESC LIMIT :most_rows)
    GROUP BY {OTHER[end]}"""  # noqa: S608 - our own text
    for end in OTHER
}
"""Other end, rows read, the oldest of them, and what ``Seen`` has."""
_OLDER_FINDS: Mapping[End, str] = {
    end: f"""
    SELECT {OTHER[end]}, {_SEEN}
    FROM (SELECT {OTHER[end]}, since, state, visible_from, visible_to FROM links
        WHERE {end} = :entity AND state = {FOUND} AND since < :older_than AND {_VISIBLE}
        ORDER BY since DESC LIMIT :most_rows)
    GROUP BY {OTHER[end]}"""  # noqa: S608 - our own text
    for end in OTHER
}
_EXAMINED = f"""
    SELECT count(*), sum(state = {FOUND}), max(examined_at) FILTER (WHERE state = {FOUND})
    FROM examined WHERE entity = :entity AND examined_at < :as_of AND {_VISIBLE}"""  # noqa: S608
