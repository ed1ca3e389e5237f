"""When heads are made while a service runs, and what keeps them from being made or exported."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from features.ledger import Ledger, LedgerError, open_ledger, open_tables
from features.settings import Settings
from serving.audit import AuditStream, keeper, prepare
from serving.audit.exported import exported_numbers, file_name
from serving.audit.heads import decode_head, heads_after
from serving.audit.keeper import HeadKeeper
from serving.audit.trust import audit_keys, rotate_audit_key
from serving.audit.verification import Finding, verify
from serving.recording import Recorder
from tests.audit_examples import read_note


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path / "home",
        ledger_url=f"sqlite:///{tmp_path / 'ledger.db'}",
        audit_head_records=3,
        audit_head_minutes=60,
    )


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    opened = open_ledger(settings.ledger)
    with opened.transaction() as transaction:
        prepare(transaction)
    yield opened
    opened.close()


class Worker:
    """A keeper with the writer that it commits through."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self.recorder = Recorder(ledger)
        self.keeper = HeadKeeper(settings, ledger, self.recorder)
        self._ledger = ledger
        self._stream = AuditStream("a")

    def note(self, count: int) -> None:
        with self._ledger.transaction() as transaction:
            for number in range(count):
                self._stream.note(transaction, read_note(number))

    def tick(self) -> str | None:
        asyncio.run(self.keeper.tick())
        return self.keeper.problem

    def close(self) -> None:
        self.recorder.close()
        self.keeper.close()


@pytest.fixture
def worker(settings: Settings, ledger: Ledger) -> Iterator[Worker]:
    opened = Worker(settings, ledger)
    yield opened
    opened.recorder.close()


def records_of_heads(ledger: Ledger) -> list[int]:
    with closing(open_tables(ledger.url)) as tables:
        return [decode_head(head.content).records for head in heads_after(tables, 0)]


def findings(settings: Settings, ledger: Ledger) -> list[str]:
    found: list[Finding] = []
    verify(ledger, settings.exported_heads, audit_keys(settings), found.append)
    return [finding.rule for finding in found]


def test_a_head_comes_after_so_many_records_and_at_the_end(
    settings: Settings, ledger: Ledger, worker: Worker
) -> None:
    worker.note(1)
    assert worker.tick() is None
    assert records_of_heads(ledger) == [1], "nothing was ever signed: at once"
    worker.note(2)
    worker.tick()
    assert records_of_heads(ledger) == [1]
    worker.note(1)
    worker.tick()
    worker.tick()
    assert records_of_heads(ledger) == [1, 3]
    assert exported_numbers(settings.exported_heads) == {1, 2}
    worker.note(2)
    worker.close()
    assert records_of_heads(ledger) == [1, 3, 2]
    assert exported_numbers(settings.exported_heads) == {1, 2, 3}
    assert findings(settings, ledger) == []


def test_it_goes_on_beside_the_answering_until_it_is_cancelled(
    ledger: Ledger, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "SECONDS", 0.005)

    async def serve() -> None:
        keeping = asyncio.create_task(worker.keeper.keep())
        for expected in ([1], [1, 3]):
            worker.note(expected[-1])
            while records_of_heads(ledger) != expected:
                assert not keeping.done()
                await asyncio.sleep(0.005)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)

    asyncio.run(asyncio.wait_for(serve(), 60))


def test_two_workers_make_each_head_once(
    settings: Settings, ledger: Ledger, worker: Worker
) -> None:
    other = Worker(settings, ledger)
    worker.note(3)

    async def both() -> None:
        await asyncio.gather(worker.keeper.tick(), other.keeper.tick())

    asyncio.run(both())
    assert records_of_heads(ledger) == [3]
    other.close()
    assert records_of_heads(ledger) == [3]
    assert worker.keeper.problems() == other.keeper.problems() == []


def test_what_could_not_be_exported_is_a_problem_and_caught_up(
    settings: Settings, ledger: Ledger, worker: Worker
) -> None:
    settings.home.mkdir(mode=0o700)
    settings.exported_heads.write_text("in the way")
    worker.note(3)
    problem = worker.tick()
    assert problem is not None
    assert problem.startswith("heads cannot be exported to")
    (shown,) = worker.keeper.problems()
    assert str(settings.home) not in shown, "everybody may read it"
    worker.note(3)
    worker.tick()
    assert records_of_heads(ledger) == [3, 3], "heads are made all the same"
    settings.exported_heads.unlink()
    assert worker.tick() is None
    assert exported_numbers(settings.exported_heads) == {1, 2}


def test_files_that_went_are_written_again_by_the_next_worker(
    settings: Settings, ledger: Ledger, worker: Worker
) -> None:
    for _ in range(3):
        worker.note(3)
        worker.tick()
    (settings.exported_heads / file_name(2)).unlink()
    assert findings(settings, ledger) == ["export_missing"]
    Worker(settings, ledger).tick()
    assert findings(settings, ledger) == []


def test_another_head_of_the_same_number_is_not_overwritten(
    settings: Settings, worker: Worker
) -> None:
    worker.note(3)
    settings.exported_heads.mkdir(parents=True)
    (settings.exported_heads / file_name(1)).write_text("another")
    worker.keeper._exported_up_to = 0
    problem = worker.tick()
    assert problem is not None
    assert "holds another head of this number" in problem
    assert (settings.exported_heads / file_name(1)).read_text() == "another"


def test_a_database_that_is_older_than_its_exported_heads_is_told(
    settings: Settings, worker: Worker
) -> None:
    settings.exported_heads.mkdir(parents=True)
    (settings.exported_heads / file_name(4)).write_text("from a later time")
    worker.note(3)
    problem = worker.tick()
    assert problem is not None
    assert "head 4 was exported and the database ends at head 1" in problem


def test_a_key_that_lies_open_stops_heads_and_nothing_else(
    settings: Settings, ledger: Ledger, worker: Worker
) -> None:
    worker.note(3)
    assert worker.tick() is None
    key = settings.keys / "signing-audit.key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o644)
    worker.note(3)
    problem = worker.tick()
    assert problem is not None
    assert "is open to others (mode 644)" in problem
    assert records_of_heads(ledger) == [3]
    key.chmod(0o600)
    assert worker.tick() is None
    assert records_of_heads(ledger) == [3, 3]


def test_while_commits_fail_no_head_is_made(
    ledger: Ledger, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def still_broken() -> None:
        raise LedgerError("the disk is full")

    worker.note(3)
    monkeypatch.setattr(ledger, "reopen", still_broken)
    worker.recorder._writer.failure = "a commit failed"
    assert worker.tick()
    worker.close()
    assert records_of_heads(ledger) == []


def test_a_rotated_key_signs_from_the_next_head_on_without_a_restart(
    settings: Settings, ledger: Ledger, worker: Worker
) -> None:
    worker.note(3)
    worker.tick()
    old = audit_keys(settings)[0]
    new = rotate_audit_key(settings).verifying
    worker.note(3)
    worker.tick()
    with closing(open_tables(ledger.url)) as tables:
        signers = [decode_head(head.content).key_id for head in heads_after(tables, 0)]
    assert signers == [old.key_id, new.key_id]
    assert audit_keys(settings) == [new, old]
    assert findings(settings, ledger) == []
    (settings.keys / f"signing-audit-{old.key_id}.pub").unlink()
    assert findings(settings, ledger) == ["key_unknown"]
