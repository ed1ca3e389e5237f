"""Gathers the evidence of one month and packs it; and verifies what was packed."""

import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec

from features.errors import InputError
from features.ledger import (
    ApprovalGiven,
    ChallengerNamed,
    Ledger,
    ModelPromoted,
    ModelRolledBack,
    RuleApproved,
    RuleProposed,
    RuleRetired,
    ServiceResumed,
    ServiceSuspended,
    open_ledger,
    open_tables,
)
from features.settings import Settings
from features.signing import VerifyingKey
from monitoring.evidence.archive import EvidenceWrong, unpack_verified, write_archive
from monitoring.evidence.chain import Counts, problems, write_stretch
from monitoring.periods import Period, parse_period
from serving.audit import EvidenceExported, account, prepare, record_note
from serving.audit.trust import audit_keys, audit_signing_key

WORDS_OF_PEOPLE = (
    ApprovalGiven,
    ModelPromoted,
    ModelRolledBack,
    ChallengerNamed,
    ServiceSuspended,
    ServiceResumed,
    RuleProposed,
    RuleApproved,
    RuleRetired,
)


class Packed(NamedTuple):
    archive: Path
    files: int
    records: int
    key: VerifyingKey
    """With which it can be verified."""


def pack(settings: Settings, period: str, out: Path | None = None) -> Packed:
    """Write the archive of a month whose report is published.

    Raises:
        InputError: ``period`` is no month, has no report, or ``out`` is there already.
        KeyUnusable: the audit key is not here.
    """
    month = parse_period(period)
    archive = out or Path(f"evidence-{month.name}.tar")
    report = settings.reports / month.name
    if not (report / "index.html").is_file():
        raise InputError(
            f"there is no report of {month.name} in {settings.reports}; make it with "
            f"foreland report --period {month.name}"
        )
    if archive.exists() or not archive.parent.is_dir():
        raise InputError(f"--out is a new file in a directory that exists, not {archive}")
    key = audit_signing_key(settings)
    with (
        closing(open_ledger(settings.ledger, create=False)) as ledger,
        tempfile.TemporaryDirectory(prefix="foreland-evidence-") as scratch,
    ):
        with ledger.transaction() as transaction:
            prepare(transaction)
        folder = Path(scratch)
        records = _gather(settings, ledger, month, folder)
        files = {f"report/{path.relative_to(report)}": path for path in _files_under(report)}
        files |= {str(path.relative_to(folder)): path for path in _files_under(folder)}
        written = write_archive(archive, month.name, files, key)
        note = EvidenceExported(
            account=account(),
            period=month.name,
            records=records,
            manifest_sha256=written.manifest_sha256,
        )
        record_note(ledger, "evidence", note)
    return Packed(archive, written.files, records, key.verifying)


class Verified(NamedTuple):
    period: str
    files: int
    counts: Counts


def verify_pack(
    archive: Path, key: VerifyingKey, other_keys: Sequence[VerifyingKey] = ()
) -> Verified:
    """
    Args:
        key: that signed the archive, from somebody you trust and not from the archive.
        other_keys: that signed heads before a rotation.

    Raises:
        EvidenceWrong: any byte is not what was written, or the audit log in it does not hold.
    """
    with tempfile.TemporaryDirectory(prefix="foreland-evidence-") as scratch:
        manifest = unpack_verified(archive, key, Path(scratch))
        try:
            found, counts = problems(Path(scratch), [key, *other_keys])
        except (msgspec.MsgspecError, ValueError, OSError) as exc:
            raise EvidenceWrong(f"its audit log cannot be read ({type(exc).__name__})") from exc
    if found:
        raise EvidenceWrong("; ".join(found[:3]) + f" ({len(found)} findings)")
    return Verified(manifest.period, len(manifest.files), counts)


def _gather(settings: Settings, ledger: Ledger, month: Period, folder: Path) -> int:
    """What is not in the report already; how many records of the audit log."""
    with closing(open_tables(ledger.url)) as tables, tables.snapshot():
        records = write_stretch(tables, month.start, month.end, audit_keys(settings), folder)
    with (folder / "approvals.jsonl").open("wb") as file:
        for event in ledger.read(available_before=month.end):
            if isinstance(event.payload, WORDS_OF_PEOPLE):
                file.write(msgspec.json.encode(event, order="sorted") + b"\n")
    (folder / "commands.md").write_text(_commands(month), encoding="utf-8")
    return records


def _files_under(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]


def _commands(month: Period) -> str:
    return f"""# What this is, and how to check it

Evidence of {month.title} of a Foreland service.

- `report/`: the board's report as it was published, with its figures as CSV (`downloads/`), model
  cards, datasheets, the change log and the transparency record (`records/`)
- `approvals.jsonl`: every approval, promotion, roll-back, challenger and suspension, and every rule
  with who approved it, until the month ended, as the ledger has it; an approver's signature is
  Ed25519 over what docs/promotion.md says
- `audit/`: the records of the audit log, the signed heads that cover them, and what the first of
  them are linked to

Verify it offline, with Python's standard library and openssl, and a public key that you got by
another way:

    python3 -I verify_evidence.py evidence-{month.name}.tar --key PUBLIC_KEY

Where Foreland is installed:

    foreland evidence --verify evidence-{month.name}.tar --key PUBLIC_KEY

Where its home is, each figure of the report is made again, the whole log verified, and a score
recomputed by

    foreland report --period {month.name} --out DIR
    foreland audit verify
    foreland replay SCORE_ID
"""
