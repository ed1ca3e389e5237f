"""Where SQLite keeps what a statement could be taken back by."""

from contextlib import closing
from pathlib import Path

from features.ledger.sqlite import SqliteLedger

FILE, MEMORY = 1, 2


def kept_in(ledger: SqliteLedger) -> int:
    ((where,),) = ledger._writer.execute("PRAGMA temp_store").fetchall()
    return int(where)


def test_in_memory_for_small_commits_and_in_a_file_for_bulk_loads(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(SqliteLedger(path, url=f"sqlite:///{path}", create=True)) as ledger:
        assert kept_in(ledger) == MEMORY
        with ledger.backfilling():
            assert kept_in(ledger) == FILE
        assert kept_in(ledger) == MEMORY
        ledger.reopen()
        assert kept_in(ledger) == MEMORY
