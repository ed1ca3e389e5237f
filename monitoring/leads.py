"""Results of examinations that intelligence led to: the input of ``statistics.places``."""

import numpy as np
import pandas as pd

from features.clock import MICROS_PER_DAY
from features.timeline import Timeline
from monitoring.feeding import place_of
from monitoring.periods import Period
from monitoring.scored import LABELS
from monitoring.statistics.places import DAYS, Places, finds_by_place

_LED = "intelligence"


def led_finds(timeline: Timeline, kind: str, period: Period) -> Places:
    """Of what the timeline knows; the stretch ends where the period does."""
    outcomes = timeline.outcomes
    led = (outcomes["kind"] == kind) & (outcomes["selection_reason"] == _LED)
    chosen = outcomes[led & outcomes["outcome"].isin(list(LABELS))]
    payloads = timeline.of_kind(kind).set_index("movement")["payload"].reindex(chosen["movement"])
    results = pd.DataFrame(
        {
            "place": [place_of(payload, kind) for payload in payloads],
            "examined_at": chosen["examined_at"].to_numpy(np.int64),
            "label": chosen["outcome"].map(LABELS).to_numpy(np.float64),
        }
    )
    start = period.end - DAYS * MICROS_PER_DAY
    return finds_by_place(results[results["examined_at"] < period.end].dropna(), start)
