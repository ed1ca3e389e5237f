"""``foreland simulate`` and ``foreland ingest``."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import InputError
from features.progress import progress
from features.settings import read_settings

if TYPE_CHECKING:
    from features.ingest import IngestReport

app = typer.Typer(no_args_is_help=True)


@app.command("simulate")
def simulate_command(
    out: Annotated[Path, typer.Option(help="Directory to write; empty, or of an earlier run.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same border.")] = 1,
    days: Annotated[int, typer.Option(min=1, max=10_000, help="Length of the simulation.")] = 365,
    movements_per_day: Annotated[int, typer.Option(min=1, help="Of all kinds together.")] = 600,
    scenario: Annotated[str, typer.Option(help="What changes over time.")] = "stationary",
    start: Annotated[str, typer.Option(help="First day.")] = "2025-01-01",
) -> None:
    """Write a simulated border of all three kinds: movements, outcomes, and the truth apart.

    Example: foreland simulate --out /tmp/border --days 400 --seed 7
    """
    from features.simulate import simulate

    try:
        first_day = date.fromisoformat(start)
    except ValueError:
        raise InputError(f"--start must be a day such as 2025-01-01, not {start!r}") from None
    with progress("days", days) as advance:
        report = simulate(
            out,
            seed=seed,
            days=days,
            movements_per_day=movements_per_day,
            start=first_day,
            scenario=scenario,
            progress=lambda done: advance("simulated", done),
        )
    typer.echo(f"simulated {days} days from {first_day}, scenario {scenario}, seed {seed}: {out}")
    for kind, count in report.counts.items():
        typer.echo(
            f"{kind}: {count.movements:,} simulated movements, "
            f"{count.examinations:,} examined, {count.finds:,} finds"
        )
    typer.echo(
        f"next: foreland ingest --kind vehicle --movements {out / 'vehicle-movements.parquet'} "
        f"--outcomes {out / 'vehicle-outcomes.parquet'}"
    )


@app.command("ingest")
def ingest_command(
    kind: Annotated[str, typer.Option(help="vehicle, vessel or shipment.")],
    movements: Annotated[
        Path | None, typer.Option(help="CSV or Parquet file of movements.")
    ] = None,
    outcomes: Annotated[
        Path | None,
        typer.Option(help="CSV or Parquet file of outcomes; without it, [outcome] of the mapping."),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(help="Mapping TOML file, or the name of a shipped one; docs/mapping.md."),
    ] = None,
    ledger: Annotated[
        str | None, typer.Option(help="Ledger URL; default sqlite under FORELAND_HOME.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option(help="Read and check everything, write nothing to the ledger.")
    ] = False,
    rejects: Annotated[
        Path | None,
        typer.Option(
            help="CSV file for the refused rows themselves, to be corrected and ingested again; "
            "those of a second file go to FILE-outcomes.csv."
        ),
    ] = None,
    explain_mapping: Annotated[
        bool, typer.Option(help="Print a mapping to start from for the files, and stop.")
    ] = False,
) -> None:
    """Load files of movements and outcomes into the ledger; running it twice adds nothing.

    Every row is checked before the first one is written. Rows that break a rule are listed under
    FORELAND_HOME/rejects and do not stop the others. Killed half way, the same command goes on
    where it was.

    Example: foreland ingest --kind shipment --movements declarations.csv
    --mapping customs-declarations
    """
    from features.files.mapping import read_mapping
    from features.files.starter import starter_mapping
    from features.ingest import check_files, ingest
    from features.keys import Keyring, PseudonymKey
    from features.ledger import open_ledger
    from features.pseudonyms import Pseudonyms
    from features.records import check_kind
    from features.rotation import pseudonyms_of

    check_kind(kind)
    if explain_mapping:
        if movements is None and outcomes is None:
            raise InputError("--explain-mapping looks at a file; give --movements or --outcomes")
        typer.echo(starter_mapping(movements, outcomes, kind), nl=False)
        return
    settings = read_settings()
    file_mapping = read_mapping(mapping, kind)
    expected = check_files(kind, movements, outcomes, file_mapping)
    with ExitStack() as stack:
        if dry_run:
            # Nothing is kept, so any key will do; a real one would have to be made first.
            opened = None
            pseudonyms = Pseudonyms(Keyring([PseudonymKey(bytes(32))]))
        else:
            opened = stack.enter_context(closing(open_ledger(ledger or settings.ledger)))
            pseudonyms = pseudonyms_of(opened, settings.keys)
        advance = stack.enter_context(progress("rows", expected))
        try:
            report = ingest(
                opened,
                kind,
                movements,
                outcomes,
                file_mapping,
                pseudonyms,
                dry_run=dry_run,
                rejects=settings.home / "rejects",
                whole_rejects=rejects,
                progress=advance,
            )
        except KeyboardInterrupt:
            on = "nothing was written" if dry_run else "the same command goes on where it was"
            typer.echo(f"stopped; {on}", err=True)
            raise typer.Exit(130) from None
    _tell(report)


def _tell(report: "IngestReport") -> None:
    from features.ingest.report import HEADINGS, afterwards, refusal_rows, summary

    for line in summary(report):
        typer.echo(line)
    rows = list(refusal_rows(report))
    if rows and sys.stdout.isatty():
        _rich_table(HEADINGS, rows)
    elif rows:
        _plain_table([HEADINGS, *rows])
    for line in afterwards(report):
        typer.echo(line)


def _rich_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*headings, box=None, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*row)
    Console(markup=False, highlight=False).print(table)


def _plain_table(rows: Sequence[Sequence[str]]) -> None:
    """Columns aligned by blanks; the last one is a sentence and is not filled up."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        typer.echo("  " + "  ".join(padded).rstrip())
