"""``foreland runs``: trained runs that MLflow could not take when they ended."""

import typer

from features.settings import read_settings

app = typer.Typer(no_args_is_help=True)
runs = typer.Typer(no_args_is_help=True)
app.add_typer(runs, name="runs")


@runs.callback()
def runs_group() -> None:
    """Trained runs that wait for MLflow, which gives them their version.

    Example: foreland runs list
    """


@runs.command("list")
def list_command() -> None:
    """List the runs that wait, in the order in which they were trained.

    Example: foreland runs list
    """
    from training.pending import pending_runs, read_record

    found = pending_runs(read_settings())
    for directory in found:
        record = read_record(directory)
        typer.echo(f"{directory.name}: {record.tags.get('verdict', '')}")
    typer.echo(f"{len(found)} runs wait; register them with: foreland runs upload", err=True)


@runs.command("upload")
def upload_command() -> None:
    """Log and register the runs that wait, in the order in which they were trained.

    Each becomes its kind's next version, with the bytes that it was trained with. The first that
    MLflow cannot take ends it; that run and those after it go on waiting.

    Example: foreland runs upload
    """
    from training.pending import pending_runs
    from training.registering import register
    from training.tracking import Tracking

    settings = read_settings()
    found = pending_runs(settings)
    if not found:
        typer.echo("no run waits")
        return
    tracking = Tracking(settings)
    for directory in found:
        done = register(settings, tracking, directory)
        typer.echo(f"{directory.name} is version {done.version}")
