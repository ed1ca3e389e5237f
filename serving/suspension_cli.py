"""``foreland suspend`` and ``foreland resume``: while a service runs or not, on any ledger."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated

import typer

from features.clock import iso
from features.keeping_cli import LedgerUrl
from features.ledger import Ledger, open_ledger
from features.records import KINDS, check_kind
from features.settings import read_settings

app = typer.Typer(no_args_is_help=True)

Kind = Annotated[
    str | None, typer.Option(help="vehicle, vessel or shipment; without it, every kind.")
]
By = Annotated[str | None, typer.Option(help="Your name; by default that of your account.")]


@app.command()
def suspend(
    reason: Annotated[str, typer.Option(help="Why; clients read it with every answer.")],
    kind: Kind = None,
    by: By = None,
    ledger: LedgerUrl = None,
) -> None:
    """Stop the models: from now on every answer is unassessed, until `foreland resume`.

    Every worker follows at once, without a restart. It is recorded in the ledger and in the audit
    log. Movements and outcomes are taken as before.

    Example: foreland suspend --reason "drift under investigation" --by "A. Lovelace"
    """
    from serving.suspension import suspend as suspend_now

    with _opened(ledger, kind) as opened:
        done = suspend_now(opened, kind, by or _account(), reason)
        if not done:
            typer.echo("suspended already, nothing is changed:")
        _show(opened)


@app.command()
def resume(
    reason: Annotated[str, typer.Option(help="Why it may go on; for the record.")] = "resumed",
    kind: Kind = None,
    by: By = None,
    ledger: LedgerUrl = None,
) -> None:
    """Let the models speak again after `foreland suspend`.

    A movement that was answered unassessed meanwhile keeps that answer; send it as a higher
    version to have it assessed.

    Example: foreland resume --kind vehicle --reason "version 7 checked" --by "A. Lovelace"
    """
    from serving.suspension import resume as resume_now

    with _opened(ledger, kind) as opened:
        done = resume_now(opened, kind, by or _account(), reason)
        if not done:
            typer.echo("not suspended, nothing is changed:")
        _show(opened)


@contextmanager
def _opened(ledger: str | None, kind: str | None) -> Iterator[Ledger]:
    if kind is not None:
        check_kind(kind)
    with closing(open_ledger(ledger or read_settings().ledger, create=False)) as opened:
        yield opened


def _account() -> str:
    from serving.audit import account

    return account()


def _show(ledger: Ledger) -> None:
    """One line for each kind: how it stands now."""
    from serving.suspension import read_suspensions

    suspensions = read_suspensions(ledger)
    for kind in KINDS:
        found = suspensions.of(kind)
        said = (
            "assessed"
            if found is None
            else f"suspended since {iso(found.since)} by {found.by}: {found.reason}"
        )
        typer.echo(f"{kind:<9} {said}")
