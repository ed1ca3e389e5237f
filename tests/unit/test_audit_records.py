"""A record of the audit log is canonical JSON, whatever text it holds."""

import json
import math
from typing import get_args

import msgspec
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from serving.audit.assessments import RecordedAssessment, entry_of
from serving.audit.chain import link_record
from serving.audit.entries import Assessed, AssessmentRead, Entry, Record, decode_record
from tests.audit_examples import audit_record

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)
SEALED = RecordedAssessment(
    **audit_record(1)._asdict(), position=1, available_at=2, client="c", agency="a"
)


def canonical(entry: Entry, stream: str = "a", recorded_at: int = 1) -> bytes:
    return link_record(stream, (0, bytes(32)), recorded_at, entry).content


@given(text=ANY_TEXT, stream=ANY_TEXT, recorded_at=WHOLE)
def test_the_bytes_are_those_of_rfc_8785(text: str, stream: str, recorded_at: int) -> None:
    note = AssessmentRead(score_id=text, client=text, agency=text, how="explain")
    for entry in (note, entry_of(SEALED._replace(movement=text, client=text, as_of=recorded_at))):
        content = canonical(entry, stream, recorded_at)
        assert content == rfc8785.dumps(json.loads(content))
        said = decode_record(content)
        assert said == Record(stream=stream, number=1, recorded_at=recorded_at, entry=entry)


@given(probability=st.floats(0, 1))
def test_a_probability_reads_back_as_the_same_double(probability: float) -> None:
    content = canonical(entry_of(SEALED._replace(probability=probability)))
    entry = decode_record(content).entry
    assert isinstance(entry, Assessed)
    assert entry.probability is not None
    again = float(entry.probability)
    assert again == probability
    assert math.copysign(1, again) == math.copysign(1, probability)


def test_no_entry_has_a_float_or_a_name_that_is_not_ascii() -> None:
    entries = get_args(Entry)
    assert len(entries) >= 8
    for entry in entries:
        assert entry.__struct_config__.tag.isascii()
        for field in msgspec.structs.fields(entry):
            assert field.encode_name.isascii()
            assert float not in (field.type, *get_args(field.type))
            assert field.type is not dict
    tags = [entry.__struct_config__.tag for entry in entries]
    assert len(set(tags)) == len(tags)
