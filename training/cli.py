"""``foreland train``, ``evaluate`` and ``backtest``; promotion has a file of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from features.settings import read_settings
from training.progress import progress_in_words

app = typer.Typer(no_args_is_help=True)

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

Kind = Annotated[str, typer.Option(help="vehicle, vessel or shipment.")]
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
    fit_on_cluster: Annotated[
        bool, typer.Option(help="Let the workers of --dask fit the trees as well.")
    ] = False,
    tune: Annotated[
        int, typer.Option(min=0, max=10_000, help="Trials in the search for better trees.")
    ] = 0,
    choices: Annotated[
        Path | None,
        typer.Option(help="Parquet log of who was chosen for examination, with propensities."),
    ] = None,
    ablation: Annotated[
        bool, typer.Option(help="Fit again without each family of features.")
    ] = False,
) -> None:
    """Train a model on what the ledger knows, and register it as the kind's next version.

    Labels are matured outcomes of examinations; the trees are fitted, calibrated and tested on
    three slices of time, beside baselines on the same rows. Run, plots and bundle are in MLflow.
    With --tune, settings are tried on later months within the fit slice before; what is
    interrupted goes on when the command is given again. A run that MLflow cannot take is kept,
    without a version, for: foreland runs upload. The last line of standard output is JSON: kind,
    version, metrics.

    Example: foreland train --kind vehicle --until 2026-03-01 --tune 30
    """
    import msgspec

    from training.run import train as train_now

    with progress_in_words() as say, _interruptible(tune):
        result = train_now(
            read_settings(),
            kind,
            ledger_url=ledger,
            config=config,
            until=until,
            dask=dask,
            fit_on_cluster=fit_on_cluster,
            tune=tune,
            choices=choices,
            ablation=ablation,
            progress=say,
        )
    typer.echo(result.verdict, err=True)
    for alarm in result.alarms:
        if alarm.failed or alarm.acknowledged is not None:
            typer.echo(f"alarm {alarm.in_words}", err=True)
    typer.echo(
        f"not registered: {result.waiting}"
        if result.waiting
        else f"{kind} version {result.version} is registered; two people promote it with: "
        f"foreland promote --kind {kind} --version {result.version} --approver NAME",
        err=True,
    )
    line = {"kind": kind, "version": result.version or None, "metrics": result.metrics}
    typer.echo(msgspec.json.encode(line).decode())


@app.command()
def evaluate(
    kind: Kind,
    version: Annotated[int, typer.Option(min=1, help="A registered version.")],
    movements: Annotated[Path, typer.Option(help="CSV or Parquet file of movements.")],
    outcomes: Annotated[
        Path | None,
        typer.Option(
            help="CSV or Parquet file of their outcomes; none where a mapping finds them."
        ),
    ] = None,
    mapping: Annotated[Path | None, typer.Option(help="Mapping file of their columns.")] = None,
    ledger: Events = None,
) -> None:
    """Evaluate a registered version on files that it did not learn from, beside the baselines.

    Each movement is scored at its declared time; the ledger gives the history and is only read, and
    rows of one file never see each other. Movements declared before the model's last day are left
    out, and so are those without a positive or negative outcome. A page goes under evaluations/ of
    the home. The last line of standard output is JSON: kind, version, metrics, left out.

    Example: foreland evaluate --kind vehicle --version 2 --movements may.csv --outcomes found.csv
    """
    import msgspec

    from training.evaluate_version import evaluate_version

    with progress_in_words() as say:
        result = evaluate_version(
            read_settings(),
            kind,
            version,
            movements=movements,
            outcomes=outcomes,
            mapping=mapping,
            ledger_url=ledger,
            progress=say,
        )
    typer.echo(result.verdict, err=True)
    typer.echo(result.left_out.in_words(), err=True)
    typer.echo(f"page: {result.page}", err=True)
    line = {
        "kind": kind,
        "version": version,
        "metrics": result.metrics,
        "left_out": result.left_out._asdict(),
    }
    typer.echo(msgspec.json.encode(line).decode())


@app.command()
def backtest(
    scenario: Annotated[
        str, typer.Option(help="Simulated border: stationary, drift, adaptive, new_tactic, ...")
    ],
    policy: Annotated[
        str, typer.Option(help="greedy, epsilon-random, epsilon-stratified or adaptive.")
    ],
    weeks: Annotated[int, typer.Option(min=1, max=500, help="That the policy selects.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same border.")] = 1,
    epsilon: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of capacity for exploration.")
    ] = 0.05,
    movements_per_week: Annotated[int, typer.Option(min=7, help="Of all kinds together.")] = 20_000,
    warm_up_weeks: Annotated[
        int, typer.Option(min=0, help="Before, in which the historical regime selects.")
    ] = 13,
    capacity_share: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Examinations, of the movements planned for.")
    ] = 0.033,
) -> None:
    """Try an examination policy on a simulated border: select, examine, learn, retrain, each week.

    Everything is simulated. Beside the policy select an oracle (by the truth), the historical
    regime and chance, on the same border. Tables, the log of choices and a plot go under
    backtests/ of the home, and into MLflow. The last line of standard output is JSON.

    Example: foreland backtest --scenario adaptive --policy epsilon-random --weeks 26
    """
    import msgspec

    from features.progress import progress
    from training.backtest import Plan, record, run_backtest

    plan = Plan(
        scenario=scenario,
        policy=policy,
        weeks=weeks,
        seed=seed,
        epsilon=epsilon,
        movements_per_week=movements_per_week,
        warm_up_weeks=warm_up_weeks,
        capacity_share=capacity_share,
    )
    with progress("weeks", weeks + warm_up_weeks) as advance:
        ran = run_backtest(plan, lambda done: advance("simulated", done))
    directory = record(read_settings(), ran)
    for line in ran.result.in_words():
        typer.echo(line, err=True)
    typer.echo(f"tables, choices and plot: {directory}", err=True)
    typer.echo(msgspec.json.encode(ran.result.summary()).decode())


@contextmanager
def _interruptible(trials: int) -> Iterator[None]:
    """Ctrl-C ends in a sentence, and says what is kept."""
    try:
        yield
    except KeyboardInterrupt:
        kept = "; finished trials are kept, the same command goes on from them" if trials else ""
        typer.echo(f"interrupted: nothing was registered{kept}", err=True)
        raise typer.Exit(INTERRUPTED) from None
