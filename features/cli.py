"""``foreland simulate`` and ``foreland ingest``."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from features.errors import InputError
from features.ingest import IngestReport, check_files, ingest
from features.keys import Keyring, PseudonymKey
from features.settings import read_settings

app = typer.Typer(no_args_is_help=True)

Progress = Callable[[int], None]


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
    with _progress("simulated days", days) as progress:
        report = simulate(
            out,
            seed=seed,
            days=days,
            movements_per_day=movements_per_day,
            start=first_day,
            scenario=scenario,
            progress=progress,
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
        bool, typer.Option(help="Read and check everything, write nothing.")
    ] = False,
    explain_mapping: Annotated[
        bool, typer.Option(help="Print a mapping to start from for --movements, and stop.")
    ] = False,
) -> None:
    """Load files of movements and outcomes into the ledger; running it twice adds nothing.

    Rows that break a rule are listed under FORELAND_HOME/rejects and do not stop the others.

    Example: foreland ingest --kind shipment --movements declarations.csv
    --mapping customs-declarations
    """
    from features.ledger import open_ledger
    from features.mapping import read_mapping
    from features.pseudonyms import Pseudonyms
    from features.records import check_kind
    from features.rotation import pseudonyms_of
    from features.starter import starter_mapping

    check_kind(kind)
    if explain_mapping:
        if movements is None:
            raise InputError("--explain-mapping looks at a file; give --movements FILE")
        typer.echo(starter_mapping(movements, kind), nl=False)
        return
    settings = read_settings()
    file_mapping = read_mapping(mapping, kind)
    expected = check_files(kind, movements, outcomes, file_mapping)
    with _progress("rows", expected) as progress:
        if dry_run:
            # Nothing is kept, so any key will do; a real one would have to be made first.
            throw_away = Pseudonyms(Keyring([PseudonymKey(bytes(32))]))
            report = ingest(
                None,
                kind,
                movements,
                outcomes,
                file_mapping,
                throw_away,
                dry_run=True,
                progress=progress,
            )
        else:
            opened = open_ledger(ledger or settings.ledger)
            try:
                report = ingest(
                    opened,
                    kind,
                    movements,
                    outcomes,
                    file_mapping,
                    pseudonyms_of(opened, settings.keys),
                    rejects=settings.home / "rejects",
                    progress=progress,
                )
            finally:
                opened.close()
    for line in summary(report):
        typer.echo(line)


def summary(report: IngestReport) -> Iterator[str]:
    """What an ingest did, a line for each thing there is to say."""
    simulated = "simulated " if report.simulated else ""
    labels = ", ".join(f"{n:,} {name}" for name, n in sorted(report.outcomes.items())) or "none"
    yield f"{report.kind}: {report.movements:,} {simulated}movement rows; outcomes: {labels}"
    if report.dry_run:
        yield f"dry run: {report.appended:,} events would go to the ledger, nothing was written"
    else:
        yield f"ledger: {report.appended:,} events added, {report.duplicates:,} were there before"
    if report.outcomes_elsewhere:
        yield f"{report.outcomes_elsewhere:,} outcomes are about movements of other files"
    if report.rejected_rows:
        codes = ", ".join(f"{code} {n:,}" for code, n in sorted(report.rejected.items()))
        yield f"refused: {report.rejected_rows:,} rows ({codes})"
        for example in report.examples:
            problem = example.problem
            place = f"{example.file} row {example.number}"
            yield f"  {place}: {problem.code} at {problem.pointer or '/'}: {problem.message}"
        for path in report.rejects:
            yield f"  all of them: {path}"


@contextmanager
def _progress(what: str, total: int | None) -> Iterator[Progress | None]:
    """A bar on a terminal; nothing elsewhere. Called with how many were done since last time."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)
