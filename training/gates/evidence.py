"""What the gates look at: the version, what serves, and labels that neither has learned from.

All rows of the version's catalogue are made here, in one pass over history: a pass reads the keys
of every movement of the ledger, whatever few of them are asked about.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.errors import ForelandError
from features.ledger import Ledger, OutcomeRecorded, Recorded
from features.rows import feature_rows
from features.timeline import Timeline, timeline_of
from models.bundle import Bundle
from training.data import just_after_newest
from training.gates.blanks import Blanks, blanks_of
from training.judged import Judged, ToJudge, to_judge
from training.labels import Labelled, NoLabels, matured_labels

Floats = NDArray[np.float64]
_END_OF_TIME = 1 << 62


class Tried(NamedTuple):
    blanks: Blanks
    """Of the judged movements."""
    rows: Floats
    """float64[b, F]: theirs, as of the movement that each was made of."""


class Reported(NamedTuple):
    """Every label, fresh ones too: to wait until they mature is to give an attacker a month."""

    labelled: Labelled
    rows: Floats
    """float64[n, F]"""
    feeds: Mapping[str, str]
    """Movement to the source that its newest outcome came from."""


class Evidence(NamedTuple):
    bundle: Bundle
    champion: Bundle | None
    no_champion: str
    """Why there is none to compare with; empty when there is."""
    judged: Judged | None
    """By the bundle, then by the champion if there is one."""
    not_judged: str
    """Why there is nothing to judge by; empty when there is."""
    tried: Tried | None
    """None when there is nothing to judge by."""
    reported: Reported | None
    not_reported: str
    """Why there is no label; empty when there is."""


def gather_evidence(
    ledger: Ledger, bundle: Bundle, champion: Bundle | None, no_champion: str
) -> Evidence:
    """In one pass over the ledger, and one over history."""
    feeds: dict[str, str] = {}

    def noting_feeds() -> Iterator[Recorded]:
        for event in ledger.read(available_before=_END_OF_TIME):
            if isinstance(event.payload, OutcomeRecorded) and event.payload.kind == bundle.kind:
                feeds[event.payload.movement] = event.source
            yield event

    timeline = timeline_of(noting_feeds(), _END_OF_TIME)
    nothing = Evidence(bundle, champion, no_champion, None, "", None, None, "")
    try:
        labelled = every_label(timeline, bundle.kind)
    except NoLabels as exc:
        return nothing._replace(not_judged=str(exc), not_reported=str(exc))
    bundles = [bundle] if champion is None else [bundle, champion]
    try:
        chosen = to_judge(timeline, bundles)
    except ForelandError as exc:
        rows = feature_rows(timeline, labelled.movements, labelled.as_of, bundle.catalogue)
        return nothing._replace(not_judged=str(exc), reported=Reported(labelled, rows, feeds))
    blanks = blanks_of(chosen.movements, bundle.catalogue)
    both = feature_rows(
        timeline,
        [*labelled.movements, *blanks.movements],
        np.concatenate([labelled.as_of, chosen.as_of[blanks.of]]),
        bundle.catalogue,
    )
    rows, blanked = np.split(both, [len(labelled.movements)])
    places = _places(labelled, chosen)

    def rows_of(catalogue: Catalogue) -> Floats:
        if catalogue.sha256 == bundle.catalogue.sha256:
            return rows[places]
        return feature_rows(timeline, chosen.movements, chosen.as_of, catalogue)

    return nothing._replace(
        judged=chosen.by(bundles, rows_of),
        tried=Tried(blanks, blanked),
        reported=Reported(labelled, rows, feeds),
    )


def every_label(timeline: Timeline, kind: str) -> Labelled:
    """
    Raises:
        NoLabels: none at all.
    """
    until = just_after_newest(timeline, kind)
    return matured_labels(timeline, kind, until=until, maturity_days=0)


def _places(labelled: Labelled, chosen: ToJudge) -> NDArray[np.int64]:
    """int64[n]: where each movement that is judged stands among all that have a label."""
    place = {movement.movement: at for at, movement in enumerate(labelled.movements)}
    return np.array([place[movement.movement] for movement in chosen.movements], dtype=np.int64)
