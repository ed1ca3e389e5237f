"""``foreland report`` and ``foreland demo``."""

from pathlib import Path
from typing import Annotated

import typer

from features.errors import ForelandError, InputError
from features.settings import read_settings

app = typer.Typer(no_args_is_help=True)


@app.command()
def report(
    period: Annotated[
        str | None,
        typer.Option(
            metavar="YYYY-MM", help="Month to report on; the latest complete one by default."
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="First day of other days than a month; with --until."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="The day after the last of those days, UTC."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where the site goes; reports under the home by default."),
    ] = None,
    reissue: Annotated[
        str | None,
        typer.Option(
            metavar="REASON", help="Publish a month again, and say why; the issue before stays."
        ),
    ] = None,
    figure: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Print the numbers of one figure, and write no report."),
    ] = None,
) -> None:
    """Write the report of a month, or of other days, as a static site that opens with no network.

    A month that is over is published: run again, nothing changes. To publish it anew, for
    instance after outcomes were corrected, say why with --reissue. With --figure, the numbers of
    that figure are worked out again and printed as CSV; what they say, and how they are worked
    out, goes to standard error.

    Example: foreland report --period 2026-03
    """
    from rich.console import Console

    from monitoring.report import figure_again, write_report
    from monitoring.tables import csv_of

    period = _period_asked_for(period, since, until)
    console = Console(stderr=True)
    if figure is not None:
        if out is not None or reissue is not None:
            raise InputError("--figure writes no report; leave --out and --reissue out")
        with console.status("report") as status:
            again = figure_again(read_settings(), period, figure, status.update)
        typer.echo(f"{again.says}\n{again.definition}", err=True)
        typer.echo(csv_of(again.table), nl=False)
        return
    with console.status("report") as status:
        result = write_report(read_settings(), period, out, progress=status.update, reissue=reissue)
    if not result.new:
        typer.echo(f"nothing was written: {result.period.title} is published already")
    typer.echo(result.issue.in_words)
    for kind in result.kinds:
        typer.echo(f"{kind.kind}: {kind.in_words}")
    typer.echo(f"{'simulated ' if result.simulated else ''}page: {result.page}")
    typer.echo(f"all periods: {result.list_of_periods}")


def _period_asked_for(period: str | None, since: str | None, until: str | None) -> str | None:
    from features.clock import now_micros
    from monitoring.periods import parse_days

    if since is None and until is None:
        return period
    if since is None or until is None or period is not None:
        raise InputError("a report is about --period, or about --since and --until, and not both")
    return parse_days(since, until, now_micros()).name


@app.command()
def demo(
    customs: Annotated[
        Path, typer.Option(help="Directory of the customs declarations files.")
    ] = Path("../shared/data/customs-declarations"),
    days: Annotated[int, typer.Option(min=240, help="Days of simulated border.")] = 400,
    movements_per_day: Annotated[int, typer.Option(min=100, help="Over the three kinds.")] = 600,
) -> None:
    """The main job from start to finish, in FORELAND_HOME itself.

    Simulates a border, takes the customs declarations in if they are there, trains and promotes
    a model of each kind, serves them, scores one movement of each kind over HTTP, posts an
    outcome and writes the board report. An earlier demo in FORELAND_HOME is replaced; anything
    else there is refused.

    Example: FORELAND_HOME=/tmp/demo foreland demo
    """
    import signal

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    from monitoring.demo import Demo

    run = Demo(read_settings(), customs, days, movements_per_day)
    try:
        run.everything()
    except KeyboardInterrupt:
        raise ForelandError(
            f"interrupted at {run.doing!r}; nothing needs cleaning, run `foreland demo` again"
        ) from None
