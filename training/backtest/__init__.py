"""Examination policies tried out on simulated borders, beside what others would have found."""

from training.backtest.recording import record
from training.backtest.results import BacktestResult
from training.backtest.run import Plan, Ran, run_backtest

__all__ = ["BacktestResult", "Plan", "Ran", "record", "run_backtest"]
