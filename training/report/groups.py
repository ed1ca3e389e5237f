"""The section about groups of movements: referral, precision and calibration beside each other."""

from collections.abc import Sequence
from itertools import groupby

from models.evaluation import JUDGED_SHARE
from models.groups import FEWEST_FINDS, FEWEST_ROWS, GroupResult, Measured
from training.report.charts import groups_chart
from training.report.facts import Part, Section, Table
from training.report.figures import SUPPRESSED, between, number, percent

TITLE = "By group"
HEADS = (
    "Group",
    "Rows",
    "Finds",
    f"Referred at {JUDGED_SHARE:.0%}",
    "Precision there",
    "Predicted",
    "Observed",
    "ROC AUC",
    "Predicted less observed",
)


def groups_section(groups: Sequence[GroupResult]) -> Section:
    if not groups:
        return Section("groups", TITLE, (Part(texts=("No group was measured.",)),))
    says = (
        f"The capacity of {JUDGED_SHARE:.0%} is that of all groups together. Groups with fewer "
        f"than {FEWEST_ROWS} rows or {FEWEST_FINDS} finds are {SUPPRESSED}: such numbers would be "
        "noise. Calibration is off where the interval of predicted less observed leaves out 0; of "
        "twenty groups one does so by chance."
    )
    parts = [Part(texts=(says, _off(groups)))]
    for number_, (by, of) in enumerate(groupby(groups, key=lambda item: item.by), start=1):
        parts.append(_part(by, list(of), number_))
    return Section("groups", TITLE, tuple(parts))


def _off(groups: Sequence[GroupResult]) -> str:
    measured = [item for item in groups if item.measured is not None]
    off = [f"{item.group} ({item.by})" for item in measured if item.measured and item.measured.off]
    if not measured:
        return "Every group is too small to be measured."
    if not off:
        return f"In none of the {len(measured)} measured groups is the calibration off."
    return (
        f"In {len(off)} of the {len(measured)} measured groups the calibration is off: "
        f"{', '.join(off)}."
    )


def _part(by: str, groups: Sequence[GroupResult], place: int) -> Part:
    if all(item.measured is None for item in groups):
        return Part(f"By {by}", texts=(f"Every group ({len(groups)}) is {SUPPRESSED}.",))
    table = Table(f"By {by}", HEADS, tuple(_row(item) for item in groups))
    chart = None
    if sum(item.measured is not None for item in groups) > 1:
        label = f"Chart: predicted and observed find rate by {by}; the table below has the numbers"
        chart = groups_chart(f"group-{place}", label, groups)
    return Part(f"By {by}", chart=chart, table=table)


def _row(item: GroupResult) -> tuple[str, ...]:
    if item.measured is None:
        return item.group, SUPPRESSED, *[""] * (len(HEADS) - 2)
    of = item.measured
    return (
        item.group,
        f"{of.rows:,}",
        f"{of.finds:,}",
        percent(of.referral_rate),
        "none referred" if of.precision is None else percent(of.precision),
        percent(of.predicted),
        percent(of.observed),
        number(of.roc_auc, of.roc_auc_interval),
        _calibration(of),
    )


def _calibration(of: Measured) -> str:
    said = between(of.gap, points=True)
    return f"off: {said}" if of.off else said
