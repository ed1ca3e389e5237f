"""The file of links: an SQLite database that follows the ledger and can be made anew at any time.

It holds pseudonyms, numbers and instants. On disk a movement with two links takes about 600 bytes;
in memory a page cache and no more. Rows of a movement are replaced as a whole whenever something
is heard of it, so the file is a function of the set of events and of nothing else.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from features.errors import ForelandError
from features.history.view import Counted
from features.ledger.events import Recorded
from features.neighbourhood.spans import About, examined_spans, link_spans
from features.timeline import SIMULATION

CACHE_KIB = 8_192
BUSY_SECONDS = 10.0
SYNCHRONOUS = "NORMAL"
"""A power cut may take the last commits with it, which are then read from the ledger again."""
REMEMBERED = 65_536
"""Numbers of entities that a writer keeps at hand."""

_TABLES = """
CREATE TABLE IF NOT EXISTS mark (position INTEGER NOT NULL, link BLOB);
CREATE TABLE IF NOT EXISTS simulated (position INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS entities (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS movements (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
    about BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS links (organisation INTEGER, connector INTEGER, since INTEGER,
    state INTEGER, visible_from INTEGER, visible_to INTEGER, movement INTEGER,
    PRIMARY KEY (organisation, since, connector, movement, visible_from)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS links_by_connector
    ON links (connector, since, state, visible_to);
CREATE INDEX IF NOT EXISTS finds_by_organisation ON links (organisation, since) WHERE state = 2;
CREATE INDEX IF NOT EXISTS finds_by_connector ON links (connector, since) WHERE state = 2;
CREATE TABLE IF NOT EXISTS examined (entity INTEGER, examined_at INTEGER, state INTEGER,
    visible_from INTEGER, visible_to INTEGER, movement INTEGER,
    PRIMARY KEY (entity, examined_at, movement, visible_from)) WITHOUT ROWID;
"""
_INSERT_LINK = "INSERT INTO links VALUES (?, ?, ?, ?, ?, ?, ?)"
_DELETE_LINK = (
    "DELETE FROM links WHERE organisation = ? AND connector = ? AND since = ? AND state = ?"
    " AND visible_from = ? AND visible_to = ? AND movement = ?"
)
_INSERT_EXAMINED = "INSERT INTO examined VALUES (?, ?, ?, ?, ?, ?)"
_DELETE_EXAMINED = (
    "DELETE FROM examined WHERE entity = ? AND examined_at = ? AND state = ?"
    " AND visible_from = ? AND visible_to = ? AND movement = ?"
)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(About).decode


class TiesUnreadable(ForelandError):
    """The file cannot be read or written."""


class TiesDamaged(TiesUnreadable):
    """What is in the file is not what was written."""


class Mark(NamedTuple):
    """How far a file has followed its ledger."""

    position: int
    link: bytes | None
    """What stands for the ledger up to there; None at its start."""


class TiesFile:
    """One file, opened; used by one thread at a time, and by any number of processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        with self._errors_in_words():
            self.connection = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self.connection.execute("PRAGMA journal_mode = WAL")
            self.connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
            self.connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            self.connection.executescript(_TABLES)
        self._number = lru_cache(REMEMBERED)(self._number_of)

    def close(self) -> None:
        self.connection.close()

    def mark(self) -> Mark:
        with self._errors_in_words():
            found = self.connection.execute("SELECT position, link FROM mark").fetchone()
        return Mark(0, None) if found is None else Mark(*found)

    def hear(self, events: Sequence[Recorded], mark: Mark) -> None:
        """Take in the events up to the mark, those that are not in it yet, in one commit."""
        with self._errors_in_words(), self._commit():
            position = self.mark().position  # another process may have come further
            if mark.position <= position:
                return
            self._note_simulated(events)
            told: dict[str, list[Recorded]] = {}
            for event in events:
                if event.position > position and isinstance(event.payload, Counted):
                    name = f"{event.payload.kind} {event.payload.movement}"
                    told.setdefault(name, []).append(event)
            for name, its in told.items():
                self._retell(name, its)
            self.connection.execute("DELETE FROM mark")
            self.connection.execute("INSERT INTO mark VALUES (?, ?)", mark)

    def _note_simulated(self, events: Sequence[Recorded]) -> None:
        first = next((event.position for event in events if event.source == SIMULATION), None)
        if first is not None and not self.simulated():
            self.connection.execute("INSERT INTO simulated VALUES (?)", (first,))

    def simulated(self) -> bool:
        """Whether anything in it comes from a border that nobody ever saw."""
        return self.connection.execute("SELECT 1 FROM simulated").fetchone() is not None

    def _retell(self, name: str, events: Iterable[Recorded]) -> None:
        """Replace what the movement says by what it says with these events too."""
        execute = self.connection.execute
        found = execute("SELECT number, about FROM movements WHERE name = ?", (name,)).fetchone()
        about = About() if found is None else _decode(found[1])
        links, examined = link_spans(about), examined_spans(about)
        for event in events:
            if isinstance(event.payload, Counted):
                about.hear(event.payload, event.available_at, self._number)
        if found is None:
            cursor = execute(
                "INSERT INTO movements (name, about) VALUES (?, ?)", (name, _encode(about))
            )
            number = int(cursor.lastrowid or 0)
        else:
            number = int(found[0])
            execute("UPDATE movements SET about = ? WHERE number = ?", (_encode(about), number))
        links_now, examined_now = link_spans(about), examined_spans(about)
        for statement, rows in (
            (_DELETE_LINK, links - links_now),
            (_INSERT_LINK, links_now - links),
            (_DELETE_EXAMINED, examined - examined_now),
            (_INSERT_EXAMINED, examined_now - examined),
        ):
            self.connection.executemany(statement, [(*row, number) for row in rows])

    def _number_of(self, key: str) -> int:
        """That of an entity, which gets one if it has none."""
        found = self.number(key)
        if found is None:
            cursor = self.connection.execute("INSERT INTO entities (key) VALUES (?)", (key,))
            found = int(cursor.lastrowid or 0)
        return found

    def number(self, key: str) -> int | None:
        """None for an entity that no movement ever named."""
        found = self.connection.execute(
            "SELECT number FROM entities WHERE key = ?", (key,)
        ).fetchone()
        return None if found is None else int(found[0])

    def key(self, number: int) -> str:
        found = self.connection.execute(
            "SELECT key FROM entities WHERE number = ?", (number,)
        ).fetchone()
        return str(found[0])

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One state of the file from first to last line, whoever writes meanwhile."""
        with self._errors_in_words():
            self.connection.execute("BEGIN")
            try:
                yield
            finally:
                self.connection.execute("ROLLBACK")

    @contextmanager
    def _commit(self) -> Iterator[None]:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            self._number.cache_clear()  # numbers that were given are taken back
            raise
        self.connection.execute("COMMIT")

    @contextmanager
    def _errors_in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as exc:
            code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
            damaged = code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
            raise (TiesDamaged if damaged else TiesUnreadable)(
                f"the file of links {self.path} cannot be used ({exc}); it is derived from the "
                "ledger: remove it, and it is made anew"
            ) from exc
