"""``foreland export``: the events of a ledger as a Parquet file, to train on and score from."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from features.errors import InputError
from features.settings import read_settings

app = typer.Typer(no_args_is_help=True)


@app.command("export")
def export_command(
    out: Annotated[Path, typer.Option(help="File to write; its name ends in .parquet.")],
    ledger: Annotated[
        str | None, typer.Option(help="Ledger URL; default sqlite under FORELAND_HOME.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Only what was known before this day, such as 2026-03-01.")
    ] = None,
) -> None:
    """Write the ledger's events to a file that --ledger of train and score takes in its place.

    The file is its owner's alone and holds what the ledger keeps encrypted, as plain JSON with
    pseudonyms. Retention does not reach it: delete it with the data that it is a copy of.

    Example: foreland export --out var/events.parquet
    """
    from features.clock import parse_day
    from features.ledger import open_ledger
    from features.ledger.parquet import is_export, write_export

    if not is_export(str(out)):
        raise InputError(f"--out must end in .parquet, not {out.name!r}")
    before = None if until is None else parse_day(until, "--until")
    with closing(open_ledger(ledger or read_settings().ledger, create=False)) as opened:
        events = write_export(
            out,
            opened.read_batches(available_before=before),
            key_id=opened.pseudonym_key(),
            rotated=next(opened.aliases(), None) is not None,
        )
    typer.echo(f"{events:,} events: {out}; train on it with --ledger {out}")
