"""The tables of the exchange, beside the ledger in its database.

How far each partner has everything (a mark), what it would not take (dead letters, by id: the
content stays in the ledger alone, sealed), and which of its events came here, signed by whom.
"""

from collections.abc import Sequence
from typing import NamedTuple

from features.clock import Micros
from features.ledger import LedgerError, Transaction
from features.ledger.tables import Tables

SCHEMA_VERSION = 1
_VERSION = "exchange_schema"
_TABLES = (
    """CREATE TABLE IF NOT EXISTS exchange_marks (
        partner TEXT PRIMARY KEY,
        position BIGINT NOT NULL,
        failing_since BIGINT,
        problem TEXT,
        told_at BIGINT
    )""",
    """CREATE TABLE IF NOT EXISTS exchange_dead_letters (
        partner TEXT NOT NULL,
        event_id TEXT NOT NULL,
        position BIGINT NOT NULL,
        reason TEXT NOT NULL,
        died_at BIGINT NOT NULL,
        PRIMARY KEY (partner, event_id)
    )""",
    """CREATE TABLE IF NOT EXISTS exchange_received (
        partner TEXT NOT NULL,
        event_id TEXT NOT NULL,
        content_sha256 TEXT NOT NULL,
        position BIGINT NOT NULL,
        received_at BIGINT NOT NULL,
        signature TEXT NOT NULL,
        signed_by TEXT NOT NULL,
        ahead_micros BIGINT NOT NULL,
        PRIMARY KEY (partner, event_id)
    )""",
)


class DeadLetter(NamedTuple):
    """An event that a partner would not take; it can be made again from the ledger."""

    partner: str
    event_id: str
    position: int
    reason: str
    died_at: Micros


class Mark(NamedTuple):
    """How a partner stands."""

    partner: str
    position: int
    """Of the ledger: everything up to it is with the partner, or a dead letter."""
    failing_since: Micros | None
    problem: str | None
    """Why nothing is taken at present."""
    told_at: Micros | None
    """When the partner last took something."""


class Arrived(NamedTuple):
    """One event of a partner, as it came."""

    partner: str
    event_id: str
    content_sha256: str
    """Of the canonical JSON that was signed."""
    position: int
    """In our ledger."""
    received_at: Micros
    signature: str
    signed_by: str
    ahead_micros: int
    """How far the partner's ``time`` was ahead of our clock; 0 when it was not."""


def prepare(transaction: Transaction) -> None:
    """Make the tables where they are missing.

    Raises:
        LedgerError: a newer program wrote them.
    """
    found = transaction.fetch("SELECT value FROM meta WHERE name = ?", [_VERSION])
    if found and found[0][0] > SCHEMA_VERSION:
        raise LedgerError(
            f"the exchange's tables have version {found[0][0]}, this program knows "
            f"{SCHEMA_VERSION}; use the Foreland that wrote them, or a newer one"
        )
    if found:
        return
    for table in _TABLES:
        transaction.execute(table)
    transaction.execute("INSERT INTO meta VALUES (?, ?)", [_VERSION, SCHEMA_VERSION])


def mark_of(tables: Tables, partner: str) -> Mark:
    found = tables.fetch(
        "SELECT partner, position, failing_since, problem, told_at FROM exchange_marks"
        " WHERE partner = ?",
        [partner],
    )
    return Mark(*found[0]) if found else Mark(partner, 0, None, None, None)


def advance(transaction: Transaction, partner: str, position: int, told_at: Micros | None) -> None:
    """Everything up to ``position`` is dealt with. Never goes back, whoever else was faster.

    Args:
        told_at: when the partner took some of it; None when none of it was for the partner.
    """
    transaction.execute(
        "INSERT INTO exchange_marks VALUES (?, ?, NULL, NULL, ?) ON CONFLICT (partner) DO UPDATE"
        " SET position = CASE WHEN excluded.position > exchange_marks.position"
        " THEN excluded.position ELSE exchange_marks.position END,"
        " failing_since = NULL, problem = NULL,"
        " told_at = coalesce(excluded.told_at, exchange_marks.told_at)",
        [partner, position, told_at],
    )


def note_failure(transaction: Transaction, partner: str, problem: str, now: Micros) -> None:
    """Nothing is taken, since when and why; the mark stays."""
    transaction.execute(
        "INSERT INTO exchange_marks VALUES (?, 0, ?, ?, NULL) ON CONFLICT (partner) DO UPDATE"
        " SET failing_since = coalesce(exchange_marks.failing_since, excluded.failing_since),"
        " problem = excluded.problem",
        [partner, now, problem],
    )


def add_dead_letters(transaction: Transaction, letters: Sequence[DeadLetter]) -> None:
    for letter in letters:
        transaction.execute(
            "INSERT INTO exchange_dead_letters VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (partner, event_id) DO NOTHING",
            letter,
        )


def dead_letters(tables: Tables, partner: str | None = None) -> list[DeadLetter]:
    """The oldest first, of one partner or of all."""
    found = tables.fetch(
        "SELECT partner, event_id, position, reason, died_at FROM exchange_dead_letters"
        " ORDER BY died_at, position"
    )
    return [DeadLetter(*row) for row in found if partner in (None, row[0])]


def remove_dead_letters(transaction: Transaction, partner: str, event_ids: Sequence[str]) -> None:
    for event_id in event_ids:
        transaction.execute(
            "DELETE FROM exchange_dead_letters WHERE partner = ? AND event_id = ?",
            [partner, event_id],
        )


def arrived_before(
    transaction: Transaction, partner: str, event_ids: Sequence[str]
) -> dict[str, tuple[str, int]]:
    """Of each id that came before: digest of its content, and where it is in our ledger."""
    if not event_ids:
        return {}
    places = ", ".join("?" * len(event_ids))
    found = transaction.fetch(
        "SELECT event_id, content_sha256, position FROM exchange_received"  # noqa: S608 - places
        f" WHERE partner = ? AND event_id IN ({places})",
        [partner, *event_ids],
    )
    return {event_id: (digest, position) for event_id, digest, position in found}


def note_arrivals(transaction: Transaction, arrivals: Sequence[Arrived]) -> None:
    transaction.execute_many(
        "INSERT INTO exchange_received (partner, event_id, content_sha256, position, received_at,"
        " signature, signed_by, ahead_micros) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        arrivals,
    )


def arrivals(tables: Tables, partner: str) -> tuple[int, Micros | None, int]:
    """How many events of a partner came, when the last one did, and how far ahead of our clock
    the furthest was, in microseconds."""
    ((many, last, ahead),) = tables.fetch(
        "SELECT count(*), max(received_at), coalesce(max(ahead_micros), 0) FROM exchange_received"
        " WHERE partner = ?",
        [partner],
    )
    return many, last, ahead
