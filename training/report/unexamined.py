"""The section about movements that nobody examined: naive beside weighted, or why not."""

from collections.abc import Mapping

from models.selective import Estimate, Estimator
from models.unexamined import NO_LOG, BeyondTheExamined
from training.report.facts import Part, Section, Table
from training.report.figures import percent

TITLE = "Beyond the examined"
NAMES: Mapping[Estimator, str] = {
    "naive": "Naive",
    "horvitz-thompson": "Horvitz-Thompson",
    "hajek": "Hájek",
    "doubly robust": "Doubly robust",
}
CHOSEN = (
    "Everything above is about movements that were examined, and those were not chosen at random. "
    "Where each movement's chance of being chosen was logged, the finds can be weighted by it."
)
ESTIMATORS = (
    "Naive takes the examined for all. The others weight by the logged chance: Horvitz-Thompson, "
    "Hájek's ratio, and doubly robust, which uses the model too. The effective sample size says "
    "how many examinations with equal weights would be as good."
)


def unexamined_section(beyond: BeyondTheExamined | None) -> Section:
    if beyond is None or not beyond.measures:
        reason = NO_LOG if beyond is None or beyond.reason is None else beyond.reason
        return Section("beyond", TITLE, (Part(texts=(CHOSEN, f"{reason.capitalize()}.")),))
    names = tuple(item.estimator for item in max((m.estimates for m in beyond.measures), key=len))
    table = Table(
        "Naive beside weighted by the logged chance, with 95% intervals",
        (
            "Measure",
            *(NAMES[name] for name in names),
            "Results it rests on",
            "Effective sample size",
        ),
        tuple(
            (measure.name, *_cells(measure.estimates, names), *_rests_on(measure.estimates))
            for measure in beyond.measures
        ),
    )
    parts = [Part(texts=(CHOSEN, ESTIMATORS), table=table)]
    reasons = dict.fromkeys(
        estimate.reason for m in beyond.measures for estimate in m.estimates if estimate.reason
    )
    if reasons:
        parts.append(Part(texts=tuple(f"Not assessable: {reason}." for reason in reasons)))
    return Section("beyond", TITLE, tuple(parts))


def _cells(estimates: tuple[Estimate, ...], names: tuple[Estimator, ...]) -> list[str]:
    by_name = {item.estimator: item for item in estimates}
    return [_cell(by_name.get(name)) for name in names]


def _cell(estimate: Estimate | None) -> str:
    if estimate is None or estimate.value is None:
        return "not assessable"
    return percent(estimate.value, estimate.interval)


def _rests_on(estimates: tuple[Estimate, ...]) -> tuple[str, str]:
    weighted = estimates[-1]
    return f"{weighted.results:,}", f"{weighted.effective_sample_size:,.0f}"
