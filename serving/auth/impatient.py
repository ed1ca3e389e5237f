"""A connection to PostgreSQL for whoever cannot wait: given up when the server stands still.

``statement_timeout`` is kept by the server, and so not by one that is stopped or unreachable.
"""

from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

ANSWER_SECONDS = 1.0


class ImpatientConnection(psycopg.Connection[tuple[Any, ...]]):
    """Closed, with an error, when an answer takes longer than ``ANSWER_SECONDS``."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        limit = ANSWER_SECONDS if timeout is None else min(timeout, ANSWER_SECONDS)
        try:
            return super().wait(gen, interval, limit)
        except psycopg.Error:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:  # still being answered
                self.pgconn.finish()
            raise
