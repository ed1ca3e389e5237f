"""The alarms of a training run: what each check is asked about, and what the configuration says."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from features.declared import ATTRIBUTE
from features.ledger import MovementDeclared
from features.records.targeting import says_targeting
from features.rows import feature_rows
from models.alarms import Alarm, acknowledged
from models.baselines import MEMORIES, unseen
from models.booster import TreeModel
from models.defences import DefendedModel
from models.leakage import (
    Fit,
    feature_too_good,
    known_too_late,
    memorised_goods,
    of_delay,
    of_examined,
    targeting_field,
    train_test_gap,
)
from training.data import TrainingData
from training.learning import Learned

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

INSTANTS = 3
"""At which all that became known later is cut off."""
ROWS_BEFORE_EACH = 200
MOST_VERSIONS = 50_000
"""The instants lie within so many of the ledger's first movements, which bounds the time: rows are
the same function of the past everywhere."""


def alarms_of(
    kind: str,
    data: TrainingData,
    learned: Learned,
    reasons: Mapping[str, str],
) -> tuple[Alarm, ...]:
    """Every alarm, in the order of ``models.alarms.NAMES``.

    Args:
        reasons: the configuration's acknowledgements, by name.
    """
    alarms = (
        _feature_too_good(kind, data),
        _known_too_late(data),
        _targeting_field(kind, data),
        _train_test_gap(data, learned),
        _memorised_goods(kind, data, learned),
    )
    return acknowledged(alarms, reasons)


def _feature_too_good(kind: str, data: TrainingData) -> Alarm:
    """On goods not seen before, if there are enough: memory is another alarm's business."""
    held_out = data.slices.calibrate
    earlier = np.arange(held_out[0])
    new = held_out[unseen(kind, data.rows(earlier).movements, data.rows(held_out).movements)]
    labels = data.labelled.labels
    if Fit(labels[new], labels[new]).can_be_judged:
        held_out = new
    memories = [
        feature.source == "history" and not feature.name.startswith(ATTRIBUTE)
        for feature in data.catalogue.features
    ]
    return feature_too_good(data.catalogue.names, memories, data.matrix[held_out], labels[held_out])


def _known_too_late(data: TrainingData) -> Alarm:
    differing: set[int] = set()
    compared = 0
    for chosen in _samples(data):
        again = _rows_without_future(data, chosen)
        same = (again == data.matrix[chosen]) | (np.isnan(again) & np.isnan(data.matrix[chosen]))
        differing.update(np.flatnonzero(~same.all(axis=0)).tolist())
        compared += len(chosen)
    names = data.catalogue.names
    delay = (data.labelled.known_at - data.labelled.as_of).astype(np.float64)
    delays = {
        name: of_delay(data.matrix[:, at], delay)
        for at, name in enumerate(names)
        if name.startswith(ATTRIBUTE)
    }
    return known_too_late(
        [names[at] for at in sorted(differing)],
        compared,
        {name: rho for name, rho in delays.items() if rho is not None},
    )


def _samples(data: TrainingData) -> list[Places]:
    """Rows up to each of some instants, the last of them at it."""
    versions = data.timeline.versions.available_at
    last = versions[min(len(versions), MOST_VERSIONS) - 1]
    within = int(np.searchsorted(data.labelled.as_of, last, side="right"))
    ends = {within * part // INSTANTS for part in range(1, INSTANTS + 1)} - {0}
    return [np.arange(max(0, end - ROWS_BEFORE_EACH), end) for end in sorted(ends)]


def _rows_without_future(data: TrainingData, chosen: Places) -> Floats:
    """The rows as they would have been made just after the last of them became known.

    float64[m, F]; NaN throughout for a movement that was not known then.
    """
    as_of = data.labelled.as_of[chosen]
    # a movement is in the ledger at its own as_of, and sees only what came before it
    then = data.timeline.before(int(as_of[-1]) + 1)
    first: dict[str, MovementDeclared] = {}
    for declared in then.versions_by_kind[data.catalogue.kind].payloads:
        first.setdefault(declared.movement, declared)
    movements = [first.get(data.labelled.movements[at].movement) for at in chosen.tolist()]
    there = np.array([movement is not None for movement in movements])
    rows = np.full((len(chosen), len(data.catalogue.names)), np.nan)
    rows[there] = feature_rows(
        then,
        [movement for movement in movements if movement is not None],
        as_of[there],
        data.catalogue,
    )
    return rows


def _targeting_field(kind: str, data: TrainingData) -> Alarm:
    attributes = data.timeline.attributes(kind)
    movements, examined = data.window_movements()
    telling = {
        name: of_examined([movement.attributes.get(name) for movement in movements], examined)
        for name in attributes
    }
    return targeting_field(
        list(attributes),
        [name for name in attributes if says_targeting(name)],
        {name: auc for name, auc in telling.items() if auc is not None},
    )


def _train_test_gap(data: TrainingData, learned: Learned) -> Alarm:
    model = DefendedModel(TreeModel(learned.text), learned.defences, data.catalogue)
    fitted, tested = (
        Fit(model.margins(data.matrix[rows]), data.labelled.labels[rows])
        for rows in (data.slices.fit, data.slices.test)
    )
    return train_test_gap(fitted, tested)


def _memorised_goods(kind: str, data: TrainingData, learned: Learned) -> Alarm:
    tested = data.slices.test
    earlier = data.rows(data.ever_before_test).movements
    new = unseen(kind, earlier, data.rows(tested).movements)
    labels = data.labelled.labels[tested]
    seen, not_seen = (Fit(learned.of_test[rows], labels[rows]) for rows in (~new, new))
    return memorised_goods(seen, not_seen, MEMORIES[kind].unseen_name)
