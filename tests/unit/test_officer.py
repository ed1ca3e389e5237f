"""What an officer reads of one recorded assessment."""

import json
from typing import Any

from serving.audit import RecordedAssessment
from serving.officer import narrative
from serving.wire import (
    AssessmentMessage,
    Interval,
    SimilarExaminations,
    ThreatShare,
    encode,
)

WORDS: dict[str, Any] = {
    "score_id": "s",
    "kind": "vehicle",
    "movement_ref": None,
    "movement_version": 1,
    "status": "scored",
    "degraded_reasons": (),
    "probability": 0.304,
    "similar_past_examinations": SimilarExaminations(found=34, examined=112),
    "interval": Interval(low=0.2262, high=0.3942),
    "band": "high",
    "reasons": (),
    "threats": (
        ThreatShare(threat="tobacco_alcohol", probability=0.614),
        ThreatShare(threat="cash", probability=0.2),
    ),
    "model": None,
    "as_of": "2026-03-01T00:00:00Z",
    "ledger_position": 7,
    "simulated": False,
}


def read(body: bytes) -> list[str]:
    recorded = RecordedAssessment(
        position=1,
        score_id="s",
        kind="vehicle",
        movement="m",
        movement_version=1,
        as_of=0,
        available_at=0,
        ledger_position=7,
        status="scored",
        probability=0.304,
        band="high",
        model_version=1,
        bundle_sha256="b",
        catalogue_sha256="c",
        selection=None,
        challenger=None,
        row=None,
        body=body,
        client=None,
        agency="local",
    )
    return narrative(recorded).splitlines()


def test_the_probability_is_shown_with_how_sure_it_is() -> None:
    lines = read(encode(AssessmentMessage(**WORDS)))
    similar = "Of 112 similar past examinations 34 found something"
    assert lines[2:5] == [
        "Probability of a find if examined: 30.4%.",
        f"{similar}: the find rate of such lies between 23% and 39% (95 % interval).",
        "If there is a find, it would most likely be: tobacco alcohol 61%, cash 20%.",
    ]


def test_where_none_was_similar_that_is_said() -> None:
    none = {
        "similar_past_examinations": SimilarExaminations(found=0, examined=0),
        "interval": Interval(low=0.0, high=1.0),
    }
    lines = read(encode(AssessmentMessage(**WORDS | none)))
    assert lines[3] == (
        "No past examination was similar: how sure the probability is, is not known."
    )


def test_what_was_recorded_before_there_were_intervals_can_be_read() -> None:
    document = json.loads(encode(AssessmentMessage(**WORDS)))
    del document["interval"], document["threats"]
    lines = read(json.dumps(document).encode())
    assert lines[3:5] == ["Of 112 similar past examinations 34 found something.", ""]
