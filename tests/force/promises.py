"""What must hold of a home after any crash: what was acknowledged is recorded, once, as told."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from features.ledger import LedgerError, MovementDeclared, open_ledger
from serving import audit
from serving.audit import AuditLog, read_assessments
from serving.audit.trust import audit_keys
from serving.audit.verification import Finding, verify
from serving.wire import with_reference
from tests.force.recording import Acknowledged, score_request, settings_of


def broken_promises(
    home: Path, acknowledged: Sequence[Acknowledged], ledger_url: str = ""
) -> list[str]:
    """One sentence for each; empty when all are kept. Opens the home as the next start would.

    Args:
        ledger_url: empty: SQLite in the home.
    """
    settings = settings_of(home, ledger_url)
    url, findings = settings.ledger, list[Finding]()
    try:
        with closing(open_ledger(url, create=False)) as ledger:
            with ledger.transaction() as transaction:
                audit.prepare(transaction)
            verify(ledger, settings.exported_heads, audit_keys(settings), findings.append)
            movements = [
                event.position
                for event in ledger.read_source("api")
                if isinstance(event.payload, MovementDeclared)
            ]
        return [
            *(f"the audit log: {finding.line()}" for finding in findings),
            *([] if ledger_url else _damage(home / "ledger.db")),
            *_unlike_the_ledger(url, movements),
            *_not_as_told(url, acknowledged),
        ]
    except (LedgerError, sqlite3.Error) as exc:
        return [f"{type(exc).__name__}: {exc}"]


def _damage(database: Path) -> Iterator[str]:
    with closing(sqlite3.connect(database)) as connection:
        (found,) = connection.execute("PRAGMA integrity_check").fetchone()
    if found != "ok":
        yield f"the database is damaged: {found}"


def _unlike_the_ledger(url: str, movements: Sequence[int]) -> Iterator[str]:
    frame = read_assessments(url)
    twice = frame["movement"][frame["movement"].duplicated()]
    if len(twice):
        yield f"{len(twice)} movements have two assessments"
    if len(frame) != len(movements):
        yield f"{len(movements)} movements came through the API, and {len(frame)} have a score"


def _not_as_told(url: str, acknowledged: Sequence[Acknowledged]) -> Iterator[str]:
    told: dict[str, str] = {}
    with closing(AuditLog(url)) as log:
        for one in acknowledged:
            reference = score_request(one.request)["movement_ref"]
            if one.status != 200:
                yield f"request {one.request} was refused: {one.status} {one.score_id}"
                continue
            if told.setdefault(reference, one.body_sha256) != one.body_sha256:
                yield f"{reference} was answered in two ways"
            recorded = log.by_id(one.score_id)
            if recorded is None or recorded.body is None:
                yield f"the score {one.score_id} was acknowledged and is not recorded"
            elif sha256(with_reference(recorded.body, reference)).hexdigest() != one.body_sha256:
                yield f"the score {one.score_id} is recorded with another content"
