"""Commands of training: ``foreland train`` and ``foreland promote``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from features.settings import read_settings

app = typer.Typer(no_args_is_help=True)

Kind = Annotated[str, typer.Option(help="vehicle, vessel or shipment.")]
LedgerUrl = Annotated[str | None, typer.Option(help="Ledger URL; default: the home's own.")]
Events = Annotated[
    str | None, typer.Option(help="Ledger URL, or an export; default: the home's own ledger.")
]


@app.command()
def train(
    kind: Kind,
    ledger: Events = None,
    config: Annotated[
        str | None,
        typer.Option(help="TOML file, or the name of one that ships: customs-declarations."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(help="Learn only from what was known before this day, such as 2026-03-01."),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(help="Dask scheduler that builds the features, such as tls://host:8786."),
    ] = None,
) -> None:
    """Train a model on what the ledger knows, and register it as the kind's next version.

    Labels are matured outcomes of examinations; the trees are fitted, calibrated and tested on
    three slices of time, beside baselines on the same rows. Run, plots and bundle are in MLflow.
    The last line of standard output is JSON: kind, version, metrics.

    Example: foreland train --kind vehicle --until 2026-03-01
    """
    import msgspec

    from training.run import train as train_now

    with _progress() as say:
        result = train_now(
            read_settings(),
            kind,
            ledger_url=ledger,
            config=config,
            until=until,
            dask=dask,
            progress=say,
        )
    typer.echo(result.verdict, err=True)
    typer.echo(
        f"{kind} version {result.version} is registered; two people promote it with: "
        f"foreland promote --kind {kind} --version {result.version} --approver NAME",
        err=True,
    )
    line = {"kind": kind, "version": result.version, "metrics": result.metrics}
    typer.echo(msgspec.json.encode(line).decode())


@app.command()
def promote(
    kind: Kind,
    version: Annotated[int, typer.Option(min=1, help="A registered version.")],
    approver: Annotated[str, typer.Option(help="Your name; two different people are needed.")],
    ledger: LedgerUrl = None,
) -> None:
    """Approve a version; the second, different approver promotes it and the service loads it.

    Example: foreland promote --kind vehicle --version 1 --approver "A. Lovelace"
    """
    from training.promote import promote as promote_now

    with _progress() as say:
        result = promote_now(
            read_settings(), kind, version, approver, ledger_url=ledger, progress=say
        )
    typer.echo(result.sentence)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """On a terminal, what is being done; elsewhere nothing."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("starting") as status:
        yield status.update
