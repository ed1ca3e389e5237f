"""``foreland backup``."""

from pathlib import Path
from typing import Annotated

import typer

from features.settings import read_settings

app = typer.Typer(no_args_is_help=True)


@app.command("backup")
def backup_command(
    out: Annotated[Path, typer.Option(help="Directory to write; new or empty.")],
) -> None:
    """Copy ledger, audit log, pins and bundles as of one instant, also while the service runs.

    Keys are not copied: keep them elsewhere, for without keys/ a copy cannot serve, and with it
    a thief can read everything. docs/operating.md has the way back.

    Example: foreland backup --out /mnt/elsewhere/foreland-2026-11-26
    """
    from serving.backup import back_up

    settings = read_settings()
    done = back_up(settings, out)
    typer.echo(f"{done.events:,} events and {done.assessments:,} assessments: {out}")
    typer.echo(f"not in it: the keys in {settings.keys}; keep a copy of them elsewhere", err=True)
