"""Answers as they are recorded: their ids, and that those given together are as if given alone."""

import os
import time
import uuid
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from features.clock import Micros
from features.ledger import MovementDeclared
from models.bands import Thresholds
from models.bundle import Bundle
from models.policies import AtBands
from serving.assessing import Asked, Assessor, Question
from serving.audit import AuditRecord
from serving.auth.access import LOCAL
from serving.knowledge import Circumstances
from serving.score_ids import new_score_ids
from serving.selection import Referrals
from serving.shadow import Shadow
from tests.example_events import movement_event

NOON = 1_772_366_400_000_000
"""2026-03-01T12:00:00Z."""
ASSESSOR = Assessor(Referrals(bytes(32), AtBands(share=0.0)), Shadow())


def bundle_of(version: int) -> Bundle:
    """Stands for a bundle, as far as an answer without reasons reads it."""
    sha256 = f"{version:064x}"
    fake: Any = SimpleNamespace(
        version=version,
        sha256=sha256,
        catalogue=SimpleNamespace(sha256="c" * 64),
        thresholds=Thresholds(high=0.5, medium=0.25),
        similar=lambda _: (0, 0),
        manifest=SimpleNamespace(
            kind="vehicle", version=version, trained_until=1_500_000, simulated=True
        ),
    )
    return cast(Bundle, fake)


def asked(number: int, version: int | None, as_of: Micros = NOON, *problems: str) -> Asked:
    """About movement ``number``, of a model; of none where ``version`` is None."""
    bundle = None if version is None else bundle_of(version)
    question = Question(cast(MovementDeclared, movement_event(number).payload), "never", LOCAL)
    known = Circumstances(as_of, 7, bundle, problems, None)
    return Asked(question, known, None if bundle is None else np.array([1.0, -0.0]), as_of)


def without_id(record: AuditRecord) -> AuditRecord:
    body = record.body.replace(record.score_id.encode(), b"")
    return record._replace(score_id="", body=body)


def test_an_answer_worked_by_hand() -> None:
    (record,) = ASSESSOR.answers([asked(1, 3)], [0.25])
    assert without_id(record).body == (
        b'{"score_id":"","kind":"vehicle","movement_ref":null,"movement_version":1,'
        b'"assessment_number":1,"because":null,"status":"scored","degraded_reasons":[],'
        b'"probability":0.25,"similar_past_examinations":{"found":0,"examined":0},'
        b'"interval":{"low":0.0,"high":1.0},"band":"medium","reasons":[],"threats":[],'
        b'"selection":{"referred":false,"reason":"none","policy":"at-bands(0 of 0.02)",'
        b'"propensity":0.0},"matches":[],"consignments":null,"model":{"kind":"vehicle",'
        b'"version":3,"bundle_sha256":"' + b"0" * 63 + b'3","trained_until":'
        b'"1970-01-01T00:00:01.500000Z","simulated":true},"as_of":"2026-03-01T12:00:00Z",'
        b'"ledger_position":7,"simulated":true,"sandbox":false}'
    )
    assert record.selection == (
        '{"draw_day":"2026-03-01","exploration":"0.0","policy":"at-bands(0 of 0.02)",'
        '"propensity":"0.0","reason":"none","referred":false}'
    )
    said = record._replace(score_id="", body=b"", selection=None)._asdict()
    assert said == {
        "score_id": "",
        "kind": "vehicle",
        "movement": f"{1:032x}",
        "movement_version": 1,
        "as_of": NOON,
        "ledger_position": 7,
        "status": "scored",
        "probability": 0.25,
        "band": "medium",
        "model_version": 3,
        "bundle_sha256": f"{3:064x}",
        "catalogue_sha256": "c" * 64,
        "selection": None,
        "challenger": None,
        "row": bytes.fromhex("000000000000f03f 0000000000000080"),
        "body": b"",
        "matches": None,
        "assessment": 1,
        "because": None,
    }


def test_answers_that_are_given_together_are_those_given_alone() -> None:
    """Whatever model speaks of the one before, and when."""
    stale = "history_stale: made up"
    rows = [
        asked(1, 1),
        asked(2, 2),
        asked(3, None, NOON, "no_model: made up"),
        asked(4, 1, NOON + 1, stale),
        asked(5, 1, NOON - 86_400_000_000),
        asked(6, 1),
    ]
    probabilities = [0.9, 0.1, None, 0.1, 0.3, 0.2]
    together = ASSESSOR.answers(rows, probabilities)
    alone = [
        record
        for row, probability in zip(rows, probabilities, strict=True)
        for record in ASSESSOR.answers([row], [probability])
    ]
    assert list(map(without_id, together)) == list(map(without_id, alone))
    assert [one.band for one in together] == [
        *("high", "low", "unassessed", "medium", "medium", "low")
    ]
    assert [one.model_version for one in together] == [1, 2, None, 1, 1, 1]
    assert len({one.as_of for one in together}) == 3


def test_ids_are_uuids_of_version_7_of_this_moment() -> None:
    before = time.time_ns() // 1_000_000
    found = new_score_ids(3_000)
    after = time.time_ns() // 1_000_000
    ids = [uuid.UUID(one) for one in found]
    assert list(map(str, ids)) == found
    assert len(set(ids)) == 3_000
    assert {(one.version, one.variant) for one in ids} == {(7, uuid.RFC_4122)}
    assert all(before <= one.int >> 80 <= after for one in ids)
    fixed = 0xFFFFFFFFFFFF << 80 | 0xF << 76 | 0xF << 60
    once_set = never_set = 0
    for one in ids:
        once_set |= one.int
        never_set |= ~one.int
    assert (once_set & never_set | fixed) == (1 << 128) - 1  # every other bit is chance
    assert new_score_ids(0) == []


def test_a_forked_process_gives_ids_of_its_own() -> None:
    new_score_ids(1)  # so that some are ready
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, new_score_ids(1)[0].encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 36).decode()
    ours = {one[14:] for one in new_score_ids(300)}
    assert len(theirs) == 36
    assert theirs[14:] not in ours
