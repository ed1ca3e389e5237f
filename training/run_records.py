"""What a run leaves behind for people to look at later; MLflow is told, or a directory is."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec


class TrialRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One trial of a tuning: what was tried and how it did."""

    number: int
    """From 0, in the order of the trials."""
    parameters: dict[str, str | int | float | bool | None]
    metrics: dict[str, float]
    """Finite values only; empty when it failed before it had any."""
    by_fold: dict[str, tuple[float, ...]] = {}
    """By metric, one value a fold, the first of fold 1: fewer than there are when it was pruned."""
    state: Literal["complete", "pruned", "failed"] = "complete"


class RunRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one training run leaves behind, but for its bundle and its files."""

    kind: str
    parameters: dict[str, Any]
    metrics: dict[str, float]
    """Finite values only."""
    tags: dict[str, str]
    columns: tuple[str, ...]
    """Of the model's input, in order; all float64."""
    trials: tuple[TrialRecord, ...] = ()
    """Of the tuning that chose the parameters; each becomes a nested run."""


class Registered(NamedTuple):
    """What a run became when it got its number."""

    version: int
    bundle: Path
    bundle_sha256: str
    run_id: str
    """Of MLflow."""


class BacktestRecord(NamedTuple):
    """What one backtest leaves behind."""

    name: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    weekly: Mapping[str, Sequence[float]]
    """By metric, one value a week, the first of week 1."""
    files: Sequence[Path]
    """Tables and the plot."""
