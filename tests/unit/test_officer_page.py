"""The page of one assessment: everything an officer needs is in it, in words."""

import re

import pytest
from msgspec.structs import replace

from serving.audit import RecordedAssessment
from serving.officer_page import CAUTIONS, page_of, page_of_answer
from serving.wire import AssessmentMessage, Interval, SimilarExaminations, encode
from tests.assessments import ANSWER, recorded_as


def words(page: bytes) -> str:
    """The text of the page, without its style and tags."""
    body = re.sub(r"(?s)<style>.*?</style>", "", page.decode())
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def shown(**changes: object) -> str:
    return words(page_of_answer(replace(ANSWER, **changes)))


def test_probability_band_and_advice_are_in_words() -> None:
    said = shown()
    assert "Vehicle: high risk" in said
    assert "About 34 in 112 similar past examinations found something." in said
    assert "Probability of a find if this one is examined: 30.4%, about 1 in 3." in said
    assert "lies between 22% and 40%." in said, "rounded away from the middle"
    assert "If there is a find, most likely: tobacco alcohol (61%), cash (20%)." in said
    assert "The assessment advises; an officer decides." in said
    assert "Simulated." in said


def test_each_reason_says_which_way_and_how_old() -> None:
    said = shown()
    assert "raises the risk haulier: 2 finds in 9 examinations, the last find 12 days ago" in said
    assert "lowers the risk gross mass 18,000 kg" in said
    assert "Ages count back from 2026-11-26." in said


def test_without_similar_examinations_that_is_what_the_model_does_not_know() -> None:
    said = shown(
        similar_past_examinations=SimilarExaminations(found=0, examined=0),
        interval=Interval(low=0.0, high=1.0),
    )
    assert "similar past examinations found" not in said
    assert "How sure the probability is: no past examination was similar." in said


@pytest.mark.parametrize("code", sorted(CAUTIONS))
def test_what_was_stale_or_missing_is_said_in_words(code: str) -> None:
    said = shown(status="degraded", band="medium", degraded_reasons=(f"{code}: the detail",))
    assert f"Take care {CAUTIONS[code]}. the detail" in said
    assert "Because of this the band is medium at the least." in said


def test_a_caution_of_a_later_version_is_not_lost() -> None:
    said = shown(status="degraded", degraded_reasons=("tides_unknown: nobody looked",))
    assert "Something was missing. tides_unknown: nobody looked" in said


def test_unassessed_is_not_low() -> None:
    said = shown(
        status="unassessed",
        band="unassessed",
        probability=None,
        similar_past_examinations=None,
        interval=None,
        reasons=(),
        threats=(),
        model=None,
        degraded_reasons=("no_model: no vehicle model is promoted",),
    )
    assert "Vehicle: not assessed" in said
    assert "Unassessed is not low." in said
    assert "Probability" not in said
    assert "aria-current=" not in page_of_answer(replace(ANSWER, band="unassessed")).decode()


def test_the_record_is_identified() -> None:
    said = words(page_of(recorded_as(ANSWER)))
    assert ANSWER.score_id in said
    assert ANSWER.model is not None
    assert ANSWER.model.bundle_sha256 in said
    assert f"position {ANSWER.ledger_position + 1} of the ledger" in said


def test_of_an_erased_record_it_says_what_is_left() -> None:
    erased: RecordedAssessment = recorded_as(ANSWER)._replace(body=None, row=None)
    said = words(page_of(erased))
    assert "Vehicle: erased" in said
    assert "What is left: band high, status scored." in said
    assert "haulier" not in said


def test_nothing_that_a_record_holds_becomes_markup() -> None:
    (first, *_) = ANSWER.reasons
    hostile = "<script>alert(1)</script><img src=x>"
    page = page_of_answer(replace(ANSWER, reasons=(replace(first, sentence=hostile),))).decode()
    assert hostile not in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page


def test_an_answer_of_before_there_were_intervals_has_a_page() -> None:
    older = encode(ANSWER).replace(encode(ANSWER.interval), b"null")
    said = words(page_of(recorded_as(ANSWER)._replace(body=older)))
    assert "About 34 in 112" in said
    assert isinstance(ANSWER, AssessmentMessage)
