"""What the gates look at: the version, what serves, and labels that neither has learned from."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from features.errors import ForelandError
from features.ledger import Ledger, OutcomeRecorded, Recorded
from features.timeline import Timeline, timeline_of
from models.bundle import Bundle
from training.judged import Judged, judged

_END_OF_TIME = 1 << 62


class Evidence(NamedTuple):
    bundle: Bundle
    champion: Bundle | None
    no_champion: str
    """Why there is none to compare with; empty when there is."""
    judged: Judged | None
    """By the bundle, then by the champion if there is one."""
    not_judged: str
    """Why there is nothing to judge by; empty when there is."""
    timeline: Timeline
    """All that the ledger knows."""
    feeds: Mapping[str, str]
    """Movement to the source that its newest outcome came from."""


def gather_evidence(
    ledger: Ledger, bundle: Bundle, champion: Bundle | None, no_champion: str
) -> Evidence:
    """In one pass over the ledger."""
    feeds: dict[str, str] = {}

    def noting_feeds() -> Iterator[Recorded]:
        for event in ledger.read(available_before=_END_OF_TIME):
            if isinstance(event.payload, OutcomeRecorded) and event.payload.kind == bundle.kind:
                feeds[event.payload.movement] = event.source
            yield event

    timeline = timeline_of(noting_feeds(), _END_OF_TIME)
    rows, problem = None, ""
    try:
        rows = judged(timeline, [bundle] if champion is None else [bundle, champion])
    except ForelandError as exc:
        problem = str(exc)
    return Evidence(bundle, champion, no_champion, rows, problem, timeline, feeds)
