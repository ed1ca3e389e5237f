"""What a backtest leaves behind: tables, the log of choices, the plot, and a run in MLflow."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pandas as pd

from features.settings import Settings
from training.backtest.plot import draw_finds
from training.backtest.results import REFERENCES, BacktestResult
from training.backtest.run import Ran
from training.run_records import BacktestRecord

LOG = "choices.parquet"
WEEKS = "weeks.csv"
RESULT = "backtest.json"
PLOT = "finds.png"


def record(settings: Settings, ran: Ran) -> Path:
    """Write everything under ``backtests`` of the home, and log it but for the choices.

    Returns:
        The directory; an earlier backtest with the same arguments is replaced.

    Raises:
        TrackingError: MLflow cannot be used; the files are there all the same.
    """
    result = ran.result
    target = settings.backtests / name_of(result)
    settings.backtests.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.backtests, prefix=".") as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        document = msgspec.json.encode(result, enc_hook=float)  # numpy's numbers
        (made / RESULT).write_bytes(msgspec.json.format(document, indent=1))
        weekly_table(result).to_csv(made / WEEKS, index=False)
        draw_finds(made / PLOT, result)
        ran.log.write(made / LOG)
        if target.exists():
            shutil.rmtree(target)
        made.rename(target)
    _log(settings, result, [target / name for name in (RESULT, WEEKS, PLOT)])
    return target


def name_of(result: BacktestResult) -> str:
    return (
        f"{result.scenario}-{result.policy}-{result.epsilon:g}-seed-{result.seed}-"
        f"{result.warm_up_weeks}+{len(result.weeks)}-weeks-of-{result.movements_per_week}-"
        f"capacity-{result.capacity_share:g}"
    )


def weekly_table(result: BacktestResult) -> pd.DataFrame:
    """One row a week: what the policy did, and what the others found."""
    table = pd.DataFrame([msgspec.structs.asdict(week) for week in result.weeks])
    for reference in REFERENCES:
        columns = zip(*result.references[reference], strict=True)
        for what, values in zip(("examined", "finds"), columns, strict=True):
            table[f"{what}_{reference}"] = values
    return table


def _log(settings: Settings, result: BacktestResult, files: Sequence[Path]) -> None:
    from training.tracking import Tracking  # seconds to import

    table = weekly_table(result).drop(columns="week")
    totals = {name: float(table[name].sum()) for name in table.columns}
    estimates = {
        f"{of.kind}.unexamined.{estimate.estimator}": estimate.value
        for of in result.unexamined
        for estimate in of.estimates
        if estimate.value is not None
    }
    truth = {f"{of.kind}.unexamined.truth": of.truth for of in result.unexamined}
    Tracking(settings).record_backtest(
        BacktestRecord(
            name=name_of(result),
            parameters={
                field: getattr(result, field)
                for field in (
                    "scenario",
                    "policy",
                    "epsilon",
                    "seed",
                    "warm_up_weeks",
                    "movements_per_week",
                    "capacity_share",
                )
            },
            metrics={**totals, **estimates, **truth},
            weekly={f"weekly.{name}": table[name].astype(float).tolist() for name in table.columns},
            files=files,
        )
    )
