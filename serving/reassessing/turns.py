"""Which worker assesses again, and how far it has come: one row beside the ledger.

A turn saves work and no more: that each thing is done once is seen to in the commit that does it
(``serving.reassessing.committing``), whoever believes to have the turn.
"""

from features.clock import Micros
from features.ledger import Tables, Transaction

HELD_MICROS = 30_000_000
"""After which a worker that has not asked again has lost its turn."""
_TABLE = """CREATE TABLE IF NOT EXISTS reassessing (
    one BIGINT PRIMARY KEY,
    position BIGINT NOT NULL,
    holder TEXT NOT NULL,
    held_until BIGINT NOT NULL
)"""
_READ = "SELECT position, holder, held_until FROM reassessing"
_BEGIN = "INSERT INTO reassessing SELECT 1, coalesce(max(position), 0), '', 0 FROM events"
_HOLD = "UPDATE reassessing SET holder = ?, held_until = ?"
_MOVE = "UPDATE reassessing SET position = ? WHERE position < ?"


def prepare(transaction: Transaction) -> None:
    """Make the table where it is missing; what the ledger holds by then calls for nothing."""
    transaction.execute(_TABLE)
    if not transaction.fetch(_READ):
        transaction.execute(_BEGIN)


class Turns:
    """The turns of one worker."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._until: Micros = 0

    def has(self, now: Micros) -> bool:
        """Whether it has the turn for long enough not to ask yet."""
        return now < self._until - HELD_MICROS // 2

    def may_ask(self, tables: Tables, now: Micros) -> bool:
        """False while another worker has the turn."""
        ((_, holder, held_until),) = tables.fetch(_READ)
        return bool(holder == self._name or held_until <= now)

    def ask(self, now: Micros, transaction: Transaction) -> int | None:
        """The position up to which all is done, if it is this worker's turn from here on. Under
        the write lock: another one may have been first."""
        ((position, holder, held_until),) = transaction.fetch(_READ)
        if holder != self._name and held_until > now:
            self._until = 0
            return None
        self._until = now + HELD_MICROS
        transaction.execute(_HOLD, (self._name, self._until))
        return int(position)

    @staticmethod
    def done(position: int, transaction: Transaction) -> None:
        """All that was called for by events up to this one is done."""
        transaction.execute(_MOVE, (position, position))
