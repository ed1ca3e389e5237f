"""Small audit logs for tests of whatever writes, reads or verifies one."""

from pathlib import Path

from features.clock import Micros, now_micros
from features.ledger import Ledger, Transaction
from features.signing import SigningKey
from serving.audit import AssessmentRead, AuditRecord, AuditStream, prepare
from serving.audit.exported import write_head
from serving.audit.heads import add_head
from serving.auth.access import Client
from serving.selection import Selected, encode_selected
from tests.example_events import movement_event

CHOICE = Selected(
    referred=False,
    reason="none",
    policy="p",
    propensity="0.001",
    exploration="0.001",
    draw_day="2026-11-01",
)
PORT = Client("port", "border", frozenset({"score.write"}))


def audit_record(number: int, *, probability: float | None = 0.1) -> AuditRecord:
    """The answer about vehicle movement ``number``."""
    return AuditRecord(
        score_id=f"score-{number}",
        kind="vehicle",
        movement=f"{number:032x}",
        movement_version=1,
        as_of=1_000_000 + number,
        ledger_position=number - 1,
        status="unassessed" if probability is None else "scored",
        probability=probability,
        band="unassessed" if probability is None else "medium",
        model_version=None if probability is None else 7,
        bundle_sha256=None if probability is None else "b" * 64,
        catalogue_sha256=None if probability is None else "c" * 64,
        selection=encode_selected(CHOICE).decode(),
        challenger=None,
        row=None if probability is None else bytes(range(24)),
        body=b'{"movement_ref":null,"score_id":"score-%d"}' % number,
    )


def add_assessment(
    transaction: Transaction,
    stream: AuditStream,
    number: int,
    *,
    client: Client = PORT,
    probability: float | None = 0.1,
) -> Micros:
    """Movement and answer; when the ledger says that it was."""
    (appended,) = transaction.append([movement_event(number, source="api:border")])
    record = audit_record(number, probability=probability)
    stream.assessments(transaction, [(record, appended, client)])
    return appended.available_at


def read_note(number: int) -> AssessmentRead:
    return AssessmentRead(
        score_id=f"score-{number}", client="port", agency="border", how="stored_score"
    )


def add_many(ledger: Ledger, streams: list[AuditStream], numbers: range) -> None:
    """Assessments in turn to each stream, and a note after every third of them."""
    with ledger.transaction() as transaction:
        prepare(transaction)
        for number in numbers:
            stream = streams[number % len(streams)]
            probability = None if number % 5 == 0 else number / 1_000
            add_assessment(transaction, stream, number, probability=probability)
            if number % 3 == 0:
                stream.note(transaction, read_note(number))


def add_heads(ledger: Ledger, key: SigningKey, exported: Path, times: int = 1) -> None:
    """So many heads, now, each exported."""
    for _ in range(times):
        with ledger.transaction() as transaction:
            prepare(transaction)
            head = add_head(transaction, key, now_micros())
        write_head(exported, head)


def build_log(ledger: Ledger, key: SigningKey, exported: Path, rounds: int = 3) -> None:
    """Three streams; after each round a head that is exported, then one that is not; then some
    records without a head: ``12 * rounds + 12`` assessments, and a note for every third."""
    streams = [AuditStream(name) for name in ("worker-a", "worker-b", "explain-c")]
    numbers = iter(range(1, 10**6, 6))
    for round_ in range(rounds):
        for _ in range(2):
            first = next(numbers)
            # not every stream has something new for every head
            add_many(ledger, streams[: 3 - round_ % 2], range(first, first + 6))
        add_heads(ledger, key, exported)
    first = next(numbers)
    add_many(ledger, streams, range(first, first + 6))
    with ledger.transaction() as transaction:
        add_head(transaction, key, now_micros())
    first = next(numbers)
    add_many(ledger, streams, range(first, first + 6))
