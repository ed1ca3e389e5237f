"""``foreland alerts``: what the report's signals ask of people, on a schedule."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import ForelandError
from features.settings import read_settings

if TYPE_CHECKING:
    from monitoring.alerts.log import Alert

app = typer.Typer(no_args_is_help=True)
alerts = typer.Typer(invoke_without_command=True)
app.add_typer(alerts, name="alerts")


@alerts.callback()
def alerts_command(
    context: typer.Context,
    period: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM", help="Month to look at; by default the month so far."),
    ] = None,
) -> None:
    """Look at every signal of the board report, and tell people what turned amber or red.

    Each alert has an owner, an action, and the page and figure that show it. It goes to a file,
    and to a webhook or by mail where they are configured (docs/operating.md), once: it is told
    again only when its colour changes or it clears. What a channel did not take waits for the
    next run. All of it stands in the audit log.

    Exit status: 0 when nobody has to act, 1 while an alert is not acknowledged, 2 on an error, a
    channel that did not take its alerts included.

    Example: foreland alerts
    """
    if context.invoked_subcommand is not None:
        return
    from rich.console import Console

    from monitoring.alerts.run import check

    console = Console(stderr=True)
    with console.status("alerts") as status:
        checked = check(read_settings(), period, status.update)
    for alert in checked.waiting:
        _show(alert)
    typer.echo(
        f"{checked.period}: {checked.raised} raised, {checked.cleared} cleared, "
        f"{len(checked.waiting)} not acknowledged"
    )
    typer.echo(f"page: {checked.site / checked.period / 'index.html'}")
    if checked.failures:
        raise ForelandError(f"{'; '.join(checked.failures)}; the next run tries again")
    if checked.waiting:
        raise typer.Exit(1)


@alerts.command("list")
def list_command() -> None:
    """Show the alerts that are open, acknowledged or not.

    Example: foreland alerts list
    """
    from monitoring.alerts.log import alerts_in

    standing = [one for one in alerts_in(read_settings().ledger).values() if one.is_open]
    for alert in standing:
        _show(alert)
    typer.echo(f"{len(standing)} open, {sum(one.waits for one in standing)} not acknowledged")


@alerts.command("ack")
def ack_command(
    alert: Annotated[str, typer.Argument(help="Id of the alert.")],
    by: Annotated[str, typer.Option(help="Your name; attributed, not authenticated.")],
    reason: Annotated[str, typer.Option(help="What you will do, or why nothing is to be done.")],
) -> None:
    """Take an alert on: it is told again only when its colour changes.

    Example: foreland alerts ack 9f3c01ab --by "A. Lovelace" --reason "retraining on Monday"
    """
    from features.ledger import open_ledger
    from monitoring.alerts.run import acknowledge

    with closing(open_ledger(read_settings().ledger, create=False)) as ledger:
        taken = acknowledge(ledger, alert, by, reason)
    typer.echo(f"acknowledged: {taken.raised.says}")


def _show(alert: "Alert") -> None:
    raised = alert.raised
    about = raised.kind or "all kinds"
    typer.echo(f"{raised.colour:<5} {alert.id} {raised.area} {raised.name} ({about})")
    typer.echo(f"      {raised.says}")
    typer.echo(f"      {raised.owner}: {raised.action}")
    if alert.acknowledged is not None:
        taken = alert.acknowledged
        typer.echo(f"      acknowledged by {taken.by}: {taken.reason}")
