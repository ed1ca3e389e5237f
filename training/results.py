"""An evaluation as plain numbers: for one line of JSON, and for MLflow."""

from typing import Any

from models.evaluation import SHARES, Evaluation, SliceEvaluation


def summary(evaluation: Evaluation, simulated: bool) -> dict[str, Any]:
    """The figures that end ``foreland train``, as JSON values; None where undefined."""
    return {
        "simulated": simulated,
        "verdict": evaluation.verdict,
        "all": _slice_summary(evaluation.all),
        "unseen": {"by": evaluation.unseen_by, **_slice_summary(evaluation.unseen)},
    }


def _slice_summary(found: SliceEvaluation) -> dict[str, Any]:
    rankings = {
        item.name.replace(" ", "_"): {
            "roc_auc": item.roc_auc,
            "average_precision": item.average_precision,
            **{f"precision_at_{_percent(share)}": item.at(share).precision for share in SHARES},
        }
        for item in found.rankings
    }
    return {"rows": found.rows, "finds": found.finds, **rankings}


def flat_metrics(evaluation: Evaluation) -> dict[str, float]:
    """Name to number, as MLflow keeps them; what is undefined is left out."""
    flat: dict[str, float] = {}
    for name, found in (("all", evaluation.all), ("unseen", evaluation.unseen)):
        flat[f"{name}/rows"], flat[f"{name}/finds"] = found.rows, found.finds
        for item in found.rankings:
            prefix = f"{name}/{item.name}"
            for measure in ("roc_auc", "average_precision", "brier", "calibration_error"):
                flat[f"{prefix}/{measure}"] = getattr(item, measure)
            for capacity in item.capacity:
                at = _percent(capacity.share)
                flat[f"{prefix}/precision_at_{at}"] = capacity.precision
                flat[f"{prefix}/recall_at_{at}"] = capacity.recall  # type: ignore[assignment]
    return {key: float(value) for key, value in flat.items() if value is not None}


def _percent(share: float) -> str:
    """
    >>> _percent(0.05)
    '5pct'
    """
    return f"{share * 100:g}pct"
