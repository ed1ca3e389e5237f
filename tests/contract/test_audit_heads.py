"""Heads, their second place, proofs and verification, in either database."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

import serving.audit.heads
from features.ledger import Ledger, open_ledger, open_tables
from features.signing import SigningKey
from serving.audit import AuditStream, prepare
from serving.audit.copying import export
from serving.audit.exported import exported_numbers
from serving.audit.heads import (
    HeadLimits,
    add_head,
    covered_by,
    decode_head,
    heads_after,
    is_due,
    next_cover,
    sign_head,
)
from serving.audit.proof import ProofRefused, check_proof, proof_of
from serving.audit.verification import Counts, Finding, verify
from tests.audit_examples import add_assessment, add_heads, add_many, build_log, read_note
from tests.example_events import erasure_event, movement_event
from tests.postgres import new_database

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "verify_audit.py"
BACKENDS: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "sqlite": lambda request: f"sqlite:///{request.getfixturevalue('tmp_path') / 'ledger.db'}",
    "postgres": lambda request: new_database(request.getfixturevalue("postgres_server")),
}
KEY = SigningKey(bytes(range(32)))
TRUSTED = [KEY.verifying]


@pytest.fixture(params=BACKENDS)
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    opened = open_ledger(BACKENDS[request.param](request))
    with opened.transaction() as transaction:
        prepare(transaction)
    yield opened
    opened.close()


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere"


def verified(ledger: Ledger, exported: Path) -> tuple[Counts, list[Finding]]:
    findings: list[Finding] = []
    return verify(ledger, exported, TRUSTED, findings.append), findings


def independent(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_an_untouched_log_passes_both_verifiers(
    ledger: Ledger, exported: Path, tmp_path: Path
) -> None:
    build_log(ledger, KEY, exported)
    counts, findings = verified(ledger, exported)
    assert not findings
    # 48 assessments and 16 notes; the last two rounds of 6 with 2 notes each are not exported
    assert counts == Counts(records=64, streams=3, heads=4, pending=16)
    assert export(ledger.url, tmp_path / "out", TRUSTED) == (64, 4)
    done = independent(tmp_path / "out", "--key", KEY.verifying.public.hex(), "--heads", exported)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "64 records in 3 streams, 4 heads, 16 pending\n"
    alone = independent(tmp_path / "out")
    assert alone.stdout == "64 records in 3 streams, 4 heads, 8 pending\n"
    assert "the keys are the export's own" in alone.stderr


def test_an_empty_log_passes(ledger: Ledger, exported: Path, tmp_path: Path) -> None:
    assert verified(ledger, exported) == (Counts(0, 0, 0, 0), [])
    export(ledger.url, tmp_path / "out", TRUSTED)
    assert independent(tmp_path / "out").returncode == 0


def test_erasing_leaves_everything_verifying(ledger: Ledger, exported: Path) -> None:
    build_log(ledger, KEY, exported)
    last = ledger.last_position()
    ledger.erase([1, 2], erasure_event(), chosen_at=last)
    counts, findings = verified(ledger, exported)
    assert counts.records == 64
    # the example's record of the run tells of no event: only that is said
    assert [finding.rule for finding in findings] == ["erased_without_a_run"]


def test_a_head_says_what_is_new_in_each_stream(ledger: Ledger) -> None:
    first, second = AuditStream("b"), AuditStream("a")
    with ledger.transaction() as transaction:
        for number in (1, 2):
            first.note(transaction, read_note(number))
        second.note(transaction, read_note(3))
        add_head(transaction, KEY, 5)
        first.note(transaction, read_note(4))
        transaction.append([movement_event(1)])
        add_head(transaction, KEY, 6)
        add_head(transaction, KEY, 7)
    with closing(open_tables(ledger.url)) as tables:
        heads = [decode_head(head.content) for head in heads_after(tables, 0)]
    assert [[(s.stream, s.first, s.last) for s in head.streams] for head in heads] == [
        [("a", 1, 1), ("b", 1, 2)],
        [("b", 3, 3)],
        [],
    ]
    assert [(head.number, head.made_at, head.records) for head in heads] == [
        (1, 5, 3),
        (2, 6, 1),
        (3, 7, 0),
    ]
    assert [head.ledger_position for head in heads] == [0, 1, 1]
    link = ledger.link_at(1)
    assert link is not None
    assert heads[1].ledger_link == link.hex()


def test_what_comes_while_the_tree_is_computed_is_of_the_next_head(
    ledger: Ledger, exported: Path
) -> None:
    """The lock is given back in between; others record, also in a stream that sorts before."""
    first, second = AuditStream("b"), AuditStream("a")
    with ledger.transaction() as transaction:
        for number in (1, 2):
            first.note(transaction, read_note(number))
        cover = next_cover(transaction, 5)
    with ledger.transaction() as transaction:
        transaction.append([movement_event(1)])
        for stream in (second, first):
            stream.note(transaction, read_note(3))
    with closing(open_tables(ledger.url)) as tables:
        found = covered_by(tables, cover)
    with ledger.transaction() as transaction:
        signed = sign_head(transaction, KEY, found)
        assert signed is not None
        assert sign_head(transaction, KEY, found) is None, "another worker was first"
        add_head(transaction, KEY, 6)
    with closing(open_tables(ledger.url)) as tables:
        heads = [decode_head(head.content) for head in heads_after(tables, 0)]
    assert [[(s.stream, s.first, s.last) for s in head.streams] for head in heads] == [
        [("b", 1, 2)],
        [("a", 1, 1), ("b", 3, 3)],
    ]
    assert [(head.made_at, head.ledger_position) for head in heads] == [(5, 0), (6, 1)]
    findings: list[Finding] = []
    verify(ledger, exported, [KEY.verifying], findings.append)
    assert findings == []


def test_a_head_covers_as_much_as_one_may(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving.audit.heads, "MOST_RECORDS", 3)
    stream = AuditStream("a")
    with ledger.transaction() as transaction:
        for number in range(7):
            stream.note(transaction, read_note(number))
        heads = [decode_head(add_head(transaction, KEY, at).content) for at in range(4)]
    assert [head.records for head in heads] == [3, 3, 1, 0]


def test_a_head_is_due_by_number_by_time_and_not_when_nothing_happened(ledger: Ledger) -> None:
    stream = AuditStream("a")
    with ledger.transaction() as transaction:
        assert not is_due(transaction, HeadLimits(1, 0), 10**6), "there is nothing"
        stream.note(transaction, read_note(1))
        add_head(transaction, KEY, 1_000)
        assert not is_due(transaction, HeadLimits(1, 0), 10**6)
        stream.note(transaction, read_note(2))
        assert is_due(transaction, HeadLimits(1, 10**9), 1_001)
        assert not is_due(transaction, HeadLimits(2, 100), 1_099)
        assert is_due(transaction, HeadLimits(2, 100), 1_100)
        assert is_due(transaction, HeadLimits(2, 100), 900), "the clock was set back"
        add_head(transaction, KEY, 2_000)
        transaction.append([movement_event(1)])
        assert not is_due(transaction, HeadLimits(1, 100), 2_099)
        assert is_due(transaction, HeadLimits(1, 100), 2_100), "the ledger went on"


def test_every_assessment_has_a_proof_that_both_verifiers_take(
    ledger: Ledger, exported: Path, tmp_path: Path
) -> None:
    build_log(ledger, KEY, exported, rounds=1)
    with closing(open_tables(ledger.url)) as tables:
        assert proof_of(tables, "score-0") is None
        proofs = [proof_of(tables, f"score-{number}") for number in range(1, 25)]
    for number, proof in enumerate(proofs, 1):
        assert proof is not None
        assert proof.status == ("covered" if number <= 18 else "pending")
        head = check_proof(proof, TRUSTED)
        assert (head is None) == (number > 18)
    covered, pending = proofs[4], proofs[20]
    for proof, said in ((covered, "the proof holds"), (pending, "pending: no head covers")):
        (tmp_path / "proof.json").write_bytes(msgspec.json.encode(proof))
        done = independent("--proof", tmp_path / "proof.json", "--key", KEY.verifying.public.hex())
        assert (done.returncode, said in done.stdout) == (0, True), done.stdout


def test_a_proof_that_was_changed_is_refused_by_both(
    ledger: Ledger, exported: Path, tmp_path: Path
) -> None:
    build_log(ledger, KEY, exported, rounds=1)
    with closing(open_tables(ledger.url)) as tables:
        proof = proof_of(tables, "score-4")
    assert proof is not None
    assert proof.head is not None
    replace = msgspec.structs.replace
    other = SigningKey(bytes(32))
    forged = [
        replace(proof, content=proof.content.replace("medium", "low")),
        replace(proof, score_id="score-6"),
        replace(proof, number=proof.number + 1),
        replace(proof, previous_link="0" * 64),
        replace(proof, link="0" * 64),
        replace(proof, head=replace(proof.head, leaf_index=proof.head.leaf_index + 1)),
        replace(proof, head=replace(proof.head, path=proof.head.path[:-1])),
        replace(proof, head=replace(proof.head, path=proof.head.path[::-1])),
        replace(proof, head=replace(proof.head, content=proof.head.content.replace("1", "2"))),
        replace(proof, head=replace(proof.head, signature="0" * 128)),
        replace(
            proof,
            head=replace(proof.head, signature=other.sign(proof.head.content.encode()).hex()),
        ),
    ]
    for one in forged:
        assert one != proof
        with pytest.raises(ProofRefused):
            check_proof(one, TRUSTED)
        (tmp_path / "proof.json").write_bytes(msgspec.json.encode(one))
        done = independent("--proof", tmp_path / "proof.json", "--key", KEY.verifying.public.hex())
        assert done.returncode == 1, one
    with pytest.raises(ProofRefused, match="not believed"):
        check_proof(proof, [other.verifying])


def test_what_came_after_the_last_exported_head_is_pending(ledger: Ledger, exported: Path) -> None:
    add_many(ledger, [AuditStream("a")], range(1, 7))
    assert verified(ledger, exported)[0].pending == 8
    add_heads(ledger, KEY, exported)
    assert verified(ledger, exported)[0].pending == 0
    with ledger.transaction() as transaction:
        add_assessment(transaction, AuditStream("b"), 7)
    assert verified(ledger, exported)[0].pending == 1
    assert exported_numbers(exported) == {1}
