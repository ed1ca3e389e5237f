"""Drift: whether scores and features still look as they did when the model learned."""

from collections.abc import Sequence

import pandas as pd

from monitoring.annex_jobs import DRIFT_FROM, SAMPLE_ROWS, AnnexResult
from monitoring.charts import drift_chart
from monitoring.drift import BOUNDS, LARGE_FROM, SOME_FROM
from monitoring.findings import REFERENCE_DAYS, KindFindings
from monitoring.page import KIND_WORDS, Annex, Figure, Part, Section, Worry, kind_heading
from monitoring.periods import Period
from monitoring.sections import gradual, prior
from monitoring.signals import Colour, Signal
from monitoring.tables import Column, Table

_MOST_NAMED = 3


def section(findings: Sequence[KindFindings], period: Period) -> Section:
    rule = (
        f"The population stability index (PSI) compares two distributions. By rule of thumb, "
        f"below {SOME_FROM:g} little has changed, from {SOME_FROM:g} to {LARGE_FROM:g} something "
        f"has, and from {LARGE_FROM:g} much has. A model whose inputs have changed may no longer "
        "rank well, even before results show it. Features that count history rise while the "
        "ledger is young, without anything being wrong."
    )
    return Section("drift", "Drift", tuple(_part(f, period) for f in findings), (rule,))


def _part(found: KindFindings, period: Period) -> Part:
    heading, words = kind_heading(found.kind), KIND_WORDS[found.kind]
    if not found.movements:
        return Part(heading, (f"No {words} became known in {period.title}.",))
    if found.drift is None:
        text = f"No model for {words} is promoted to compare the period with."
        return Part(heading, (text,), prior.figures(found))
    figures = (_figure(found, found.drift), *gradual.figures(found), *prior.figures(found))
    return Part(heading, (), figures, _annex(found))


def _figure(found: KindFindings, drift: pd.DataFrame) -> Figure:
    says, worry = _verdict(found, drift)
    table = Table(
        f"{found.kind}-drift",
        f"{kind_heading(found.kind)}: population stability index",
        (
            Column("what", "What"),
            Column("psi", "PSI", "number"),
            Column("by_chance", "Up to this by chance", "number"),
            Column("change", "Change"),
            Column("movements", "Movements", "count"),
            Column("reference", "Reference rows", "count"),
        ),
        drift,
    )
    definition = (
        "PSI over all movements of the period against the reference that travels with the bundle "
        "(the window it was trained on), in the reference's own quantile bins, missing values in "
        "a bin of their own. The features are those the model leans on most. Up to this by "
        "chance: 95% of PSI values with no change at all stay below it, from the number of "
        "movements and bins; a PSI below it is read as no change. To be looked at: a score that "
        "changed somewhat or a lot, or a declared feature that changed a lot."
    )
    chart = drift_chart(f"{found.kind}-drift", says, drift.dropna(subset="psi"), BOUNDS)
    return Figure(says, worry, table, definition, chart, _signals(found, drift))


def _signals(found: KindFindings, drift: pd.DataFrame) -> tuple[Signal, ...]:
    """Of the declared feature that changed most; scores have theirs against the months before,
    since against training they move while the ledger is young."""
    declared = drift[drift["source"] == "declared"].sort_values("psi", ascending=False)
    if declared.empty:
        return ()
    worst = declared.iloc[0]
    colours: dict[str | None, Colour] = {None: "grey", "large": "amber"}
    return (
        Signal(
            "drift",
            "feature-drift",
            found.kind,
            colours.get(worst["change"], "green"),
            float(worst["psi"]),
            int(worst["movements"]),
            f"PSI of the declared feature that changed most, above what chance gives: amber from "
            f"{LARGE_FROM:g}",
            "data owner",
            "look at the feed and the form behind what changed; if the border itself changed, "
            "retrain",
        ),
    )


def _verdict(found: KindFindings, drift: pd.DataFrame) -> tuple[str, Worry]:
    words = KIND_WORDS[found.kind]
    score, features = drift.to_dict("records")[0], drift.iloc[1:]
    if pd.isna(score["psi"]):
        return f"There are no scores of {words} to compare.", "unknown"
    changed = features[features["change"].isin(["some", "large"])]
    how = {"little": "hardly changed", "some": "changed somewhat", "large": "changed a lot"}
    says = f"The scores of {words} have {how[score['change']]} (PSI {score['psi']:.3f})"
    if changed.empty:
        says += f" and none of the {len(features)} features checked has."
    else:
        worst = changed.sort_values("psi", ascending=False)["what"].head(_MOST_NAMED)
        says += (
            f"; {len(changed)} of the {len(features)} features checked changed, "
            f"most of all {', '.join(worst)}."
        )
    large = changed[changed["change"] == "large"]
    if score["change"] != "little" or (large["source"] == "declared").any():
        return says, "look"
    if len(large):
        return f"{says} What changed a lot is history, which rises in a young ledger.", "unknown"
    return says, "calm"


def _annex(found: KindFindings) -> Annex:
    result = found.annex
    if result is None:
        return Annex("There are no earlier movements for an interactive annex.", None)
    if result.problem is not None:
        return Annex(f"There is no interactive annex this time: {result.problem}.", None)
    says = f"{_annex_in_words(result)}{_disagreement(found.drift, result)}{_series(result)}"
    classification = f"annex/{found.kind}-classification.html" if result.classified else None
    return Annex(says, f"annex/{found.kind}.html", classification)


def _annex_in_words(result: AnnexResult) -> str:
    text = (
        f"On a fixed-seed sample of at most {SAMPLE_ROWS:,} movements each of the period "
        f"and of {REFERENCE_DAYS} earlier days, Evidently finds {len(result.drifted)} of "
        f"{result.compared} columns drifted (its own PSI at {DRIFT_FROM:g} or more)"
    )
    if result.drifted:
        text += f"; among them {', '.join(result.drifted[:_MOST_NAMED])}"
    text += "."
    if result.tests:
        text += f" Of its {result.tests} tests {result.failed_tests} fail."
    if result.left_out:
        text += f" Left out because they hold no value: {', '.join(result.left_out)}."
    return text


def _disagreement(drift: pd.DataFrame | None, result: AnnexResult) -> str:
    """Where the sample's flags and the statistics on all movements differ, and why they may."""
    if drift is None:
        return ""
    ours = drift.set_index("name")["change"].isin(["some", "large"])
    both = [name for name in (*result.drifted, *result.steady) if name in ours.index]
    only_theirs = [name for name in both if name in result.drifted and not ours[name]]
    only_ours = [name for name in both if name in result.steady and ours[name]]
    if not only_theirs and not only_ours:
        return f" On the {len(both)} columns that both compare, it agrees with the figure above."
    said = [
        f"{who} sees change in {', '.join(names)}"
        for who, names in (("only Evidently", only_theirs), ("only the figure above", only_ours))
        if names
    ]
    return (
        f" They disagree: {'; '.join(said)}. Evidently compares a sample with the {REFERENCE_DAYS} "
        "days before, in bins of equal width; the figure compares all movements with what the "
        "model learned from, in bins of equal counts, and leaves out what chance explains. For "
        "the board the figure counts."
    )


def _series(result: AnnexResult) -> str:
    text = ""
    if result.classified:
        text += (
            f" A second page judges the scores of {result.classified}, whose results are in: "
            "scores and results in Evidently's words."
        )
    if result.no_series:
        text += f" The snapshot could not be kept in Evidently's workspace ({result.no_series})."
    return text
