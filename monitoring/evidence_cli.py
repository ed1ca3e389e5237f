"""``foreland evidence``: one signed archive of what a month rests on, for an auditor."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import InputError
from features.settings import read_settings

if TYPE_CHECKING:
    from features.signing import VerifyingKey

app = typer.Typer(no_args_is_help=True)


@app.command()
def evidence(
    period: Annotated[
        str | None, typer.Option(metavar="YYYY-MM", help="Month whose report is published.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write; default: evidence-YYYY-MM.tar here.")
    ] = None,
    verify: Annotated[Path | None, typer.Option(help="Verify this archive instead.")] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            help="With --verify: public key, 64 hexadecimal digits, from somebody you trust; the "
            "first signed the archive, others heads before a rotation."
        ),
    ] = None,
) -> None:
    """Pack a month's evidence into one signed archive, or verify one.

    Report, model cards, datasheets, transparency record, approvals and the audit log of the month
    with its signed heads. docs/verify_evidence.py verifies it offline with Python's standard
    library and openssl. Exit status 1 when an archive is not what was written.

    Example: foreland evidence --period 2026-03
    """
    from monitoring.evidence.archive import EvidenceWrong
    from monitoring.evidence.packing import pack, verify_pack

    if (period is None) == (verify is None):
        raise InputError("give --period to make an archive, or --verify FILE to verify one")
    if period is not None:
        packed = pack(read_settings(), period, out)
        typer.echo(f"{packed.files:,} files, {packed.records:,} audit records: {packed.archive}")
        public = packed.key.public.hex()
        typer.echo(f"next: foreland evidence --verify {packed.archive} --key {public}")
        return
    assert verify is not None
    try:
        found = verify_pack(verify, *_keys(key))
    except EvidenceWrong as exc:
        typer.echo(f"not what was written: {exc}", err=True)
        raise typer.Exit(1) from None
    counts = found.counts
    typer.echo(
        f"{found.period}: {found.files:,} files, {counts.records:,} audit records, "
        f"{counts.heads:,} heads, {counts.pending:,} pending; everything holds"
    )


def _keys(given: list[str] | None) -> "tuple[VerifyingKey, list[VerifyingKey]]":
    from features.key_files import from_hex
    from features.signing import VerifyingKey

    if not given:
        raise InputError("--verify needs --key: the public key, from somebody you trust")
    first, *others = (VerifyingKey(from_hex(text, "--key")) for text in given)
    return first, others
