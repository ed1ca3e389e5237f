"""``foreland audit``: whether the audit log is what was written, and a copy for others to ask."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from features.errors import InputError
from features.keeping_cli import LedgerUrl
from features.ledger import Ledger, open_ledger
from features.settings import read_settings

app = typer.Typer(no_args_is_help=True)
audit = typer.Typer(no_args_is_help=True)
app.add_typer(audit, name="audit")


@audit.callback()
def audit_group() -> None:
    """The audit log: every answer and every look at one, chained, and signed in heads.

    docs/audit.md says what is kept and what each check can show.

    Example: foreland audit verify
    """


@audit.command("verify")
def verify_command(
    export: Annotated[
        Path | None, typer.Option(help="Second place of the heads; default: audit_export.")
    ] = None,
    ledger: LedgerUrl = None,
) -> None:
    """Check every record, head and row, and say in one line what does not hold.

    Exit status 1 when anything is found. Pending is what no exported head covers yet: there a
    change by whoever holds the database would not show.

    Example: foreland audit verify --export /mnt/elsewhere/audit-heads
    """
    from serving.audit.verification.on_record import verify_on_record

    settings = read_settings()
    with _prepared(ledger or settings.ledger) as opened:
        counts, findings = verify_on_record(
            settings, opened, lambda finding: typer.echo(finding.line()), export
        )
    typer.echo(
        f"{counts.records:,} records in {counts.streams:,} streams, {counts.heads:,} heads, "
        f"{counts.pending:,} pending"
    )
    if findings:
        typer.echo(f"{findings:,} findings: the audit log is not what was written", err=True)
        raise typer.Exit(1)


@audit.command("export")
def export_command(
    out: Annotated[Path, typer.Option(help="Directory to write; new or empty.")],
    ledger: LedgerUrl = None,
) -> None:
    """Copy records, heads and public keys to files that need nothing of Foreland to be verified.

    docs/verify_audit.py verifies them with Python's standard library and openssl. What is sealed
    stays here; its digests are in the records.

    Example: foreland audit export --out /tmp/audit-2026-11
    """
    from serving.audit import AuditExported, account, record_note
    from serving.audit.copying import export
    from serving.audit.trust import audit_keys

    settings = read_settings()
    with _prepared(ledger or settings.ledger) as opened:
        records, heads = export(opened.url, out, audit_keys(settings))
        note = AuditExported(account=account(), records=records, heads=heads)
        record_note(opened, "export", note)
    typer.echo(f"{records:,} records and {heads:,} heads: {out}")
    typer.echo(f"next: python3 docs/verify_audit.py {out} --heads {settings.exported_heads}")


@audit.command("choices")
def choices_command(
    out: Annotated[Path, typer.Option(help="Parquet file to write.")],
    agency: Annotated[str, typer.Option(help="Whose movements.")] = "local",
    ledger: LedgerUrl = None,
) -> None:
    """Write what was referred, and with what propensity: for `foreland train --choices`.

    One row a movement: what was decided about its last version, referred or not.

    Example: foreland audit choices --agency border-force --out choices.parquet
    """
    from serving.audit import AssessmentsListed, account, record_note
    from serving.choices import write_choices

    if out.suffix != ".parquet" or not out.parent.is_dir():
        raise InputError(f"--out is a .parquet file in a directory that exists, not {out}")
    with _prepared(ledger or read_settings().ledger) as opened:
        rows = write_choices(opened.url, agency, out)
        note = AssessmentsListed(command="audit choices", account=account(), rows=rows)
        record_note(opened, "choices", note)
    typer.echo(f"{rows:,} movements of {agency}: {out}")


@audit.command("rotate-key")
def rotate_key_command() -> None:
    """Sign heads with a new key from now on, and destroy the old one; no restart is needed.

    What the old key signed is believed until its public half is removed from the keys directory,
    or from audit_keys wherever that is set.

    Example: foreland audit rotate-key
    """
    from serving.audit import AuditKeyRotated, account, record_note
    from serving.audit.trust import audit_keys, rotate_audit_key

    settings = read_settings()
    with _prepared(settings.ledger) as opened:
        old = audit_keys(settings)
        if not old:
            raise InputError("there is no audit key yet; `foreland serve` makes it")
        new = rotate_audit_key(settings).verifying
        note = AuditKeyRotated(
            account=account(), before=old[0].public.hex(), after=new.public.hex()
        )
        record_note(opened, "rotate-key", note)
    typer.echo(new.public.hex())
    typer.echo(
        f"heads are signed with key {new.key_id} from now on; pin it wherever audit_keys is set, "
        "beside the old one, and give it to whoever verifies exports",
        err=True,
    )


@contextmanager
def _prepared(url: str) -> Iterator[Ledger]:
    from serving.audit import prepare

    with closing(open_ledger(url, create=False)) as opened:
        with opened.transaction() as transaction:
            prepare(transaction)
        yield opened
