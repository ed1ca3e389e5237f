"""Movements that are wrong in one place, made from the records' own types: each is refused there.

A valid record with every field is taken, one value in it is replaced by something that its type or
its rule forbids, and the refusal must name the code and the place; nothing else may be raised.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, NamedTuple

import msgspec
import pytest
from msgspec import inspect

from features.records import KINDS, RECORDS, RecordRejected, read_movement
from serving.openapi import MOVEMENT_EXAMPLES
from serving.problems import RequestRefused
from serving.wire import read_score_request
from tests.full_records import ELSEWHERE, FULL
from tests.rule_examples import EXAMPLES

AT_LEAST = 500
Path = tuple[str | int, ...]
NOT_AN_OBJECT: tuple[Any, ...] = ("x", 5, [], True)
NOT_A_LIST: tuple[Any, ...] = ("x", 5, {}, True)


class Malformed(NamedTuple):
    path: Path
    value: Any
    code: str = "bad_value"
    at_parent: bool = False
    """True when the refusal points to the object that holds the field."""

    @property
    def pointer(self) -> str:
        steps = self.path[:-1] if self.at_parent else self.path
        return "".join(f"/{step}" for step in steps)


def malformed(kind: str) -> Iterator[Malformed]:
    record = inspect.type_info(RECORDS[kind])
    assert isinstance(record, inspect.StructType)
    rows: dict[str, Any] = {**FULL[kind], **ELSEWHERE[kind]}
    yield from _in_object(record, rows, ())


def _in_object(record: inspect.StructType, row: dict[str, Any], path: Path) -> Iterator[Malformed]:
    yield Malformed((*path, "no_such_field"), 1, "unknown_field", at_parent=True)
    for field in record.fields:
        if field.name not in row:
            continue
        where = (*path, field.name)
        if field.required:
            yield Malformed(where, ..., "missing_field", at_parent=True)
        yield from _of_type(field.type, row[field.name], where)


def _of_type(kind: Any, value: Any, path: Path) -> Iterator[Malformed]:
    while isinstance(kind, inspect.Metadata | inspect.UnionType):
        if isinstance(kind, inspect.Metadata):
            kind = kind.type
        else:
            kinds = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
            if len(kinds) > 1:
                return  # the values of attributes: numbers or codes, tested elsewhere
            kind = kinds[0]
    if isinstance(kind, inspect.StructType):
        yield from (Malformed(path, wrong) for wrong in NOT_AN_OBJECT)
        yield from _in_object(kind, value, path)
    elif isinstance(kind, inspect.VarTupleType):
        yield from (Malformed(path, wrong) for wrong in NOT_A_LIST)
        yield Malformed((*path, 0), None)
        yield from _lengths(kind, value, path)
        yield from _of_type(kind.item_type, value[0], (*path, 0))
    elif isinstance(kind, inspect.DictType):
        yield from (Malformed(path, wrong) for wrong in NOT_AN_OBJECT)
    else:
        yield from (Malformed(path, wrong) for wrong in _wrong(kind))


def _lengths(kind: inspect.VarTupleType, value: Any, path: Path) -> Iterator[Malformed]:
    if kind.max_length is not None and kind.max_length <= 999:
        yield Malformed(path, [value[0]] * (kind.max_length + 1))
    if kind.min_length:
        yield Malformed(path, [value[0]] * (kind.min_length - 1))


def _wrong(kind: Any) -> list[Any]:
    if isinstance(kind, inspect.StrType):
        return _wrong_texts(kind)
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        return _wrong_numbers(kind)
    if isinstance(kind, inspect.LiteralType):
        return ["no such value", "", 10**30, [], {}]
    if isinstance(kind, inspect.BoolType):
        return ["maybe", 2, [], {}, "", 0.5]
    if isinstance(kind, inspect.DateTimeType):
        texts = ["", "yesterday", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "20260301"]
        return [*texts, "2026-03-01T25:00:00Z", 20_260_301, 1.5, [], {}, True]
    if isinstance(kind, inspect.DateType):
        return ["", "yesterday", "2026-02-30", "2026-13-01", "01.03.2026", 20_260_301, [], {}]
    raise AssertionError(f"no malformed values for {kind}")


def _wrong_texts(kind: inspect.StrType) -> list[Any]:
    wrong: list[Any] = [5, 1.5, True, [], {}, ["x"]]
    if kind.min_length:
        wrong.append("")
    if kind.max_length is not None:
        wrong.append("A" * (kind.max_length + 1))
    if kind.pattern is not None:
        wrong += ["", " ", "\n", "\t x", "A" * 300 + "\n"]
    return wrong


def _wrong_numbers(kind: inspect.IntType | inspect.FloatType) -> list[Any]:
    wrong: list[Any] = ["x", "", [], {}, "1,5", 1e300, -1e300]
    if isinstance(kind, inspect.IntType):
        wrong += [0.5, 10**30]
    if kind.ge is not None:
        wrong.append(kind.ge - 1)
    if kind.gt is not None:
        wrong.append(kind.gt)
    if kind.le is not None:
        wrong.append(kind.le + 1)
    if kind.lt is not None:
        wrong.append(kind.lt)
    return wrong


def replaced(kind: str, one: Malformed) -> dict[str, Any]:
    row: dict[str, Any] = deepcopy({**FULL[kind]})
    if one.path[0] in ELSEWHERE[kind]:
        row = deepcopy({"movement_ref": "M-1", "declared_at": "2026-03-01T08:30:00Z"})
        row |= deepcopy(ELSEWHERE[kind])
    holder: Any = row
    for step in one.path[:-1]:
        holder = holder[step]
    if one.value is ...:
        del holder[one.path[-1]]
    else:
        holder[one.path[-1]] = one.value
    return row


@pytest.mark.parametrize("kind", KINDS)
def test_each_malformed_movement_is_refused_with_its_code_at_its_place(kind: str) -> None:
    made = list(malformed(kind))
    assert len(made) + sum(example.kind == kind for example in EXAMPLES) >= AT_LEAST
    for one in made:
        with pytest.raises(RecordRejected) as caught:
            read_movement(kind, replaced(kind, one))
        first = caught.value.problems[0]
        assert (first.code, first.pointer) == (one.code, one.pointer), one


@pytest.mark.parametrize("kind", KINDS)
def test_the_api_refuses_them_too(kind: str) -> None:
    for one in malformed(kind):
        body = json.dumps({"kind": kind, **replaced(kind, one)}).encode()
        with pytest.raises(RequestRefused) as caught:
            read_score_request(body)
        assert caught.value.code == "record_rejected", one
        first = caught.value.errors[0]
        assert first.code == one.code, one
        assert first.pointer.startswith(one.pointer), one


@pytest.mark.parametrize("kind", KINDS)
def test_broken_rules_in_a_full_record_are_found(kind: str) -> None:
    """Whatever else a record holds, the broken rule of each example is among the problems."""
    for example in (e for e in EXAMPLES if e.kind == kind):
        if example.code in {"nothing_declared", "bad_value", "missing_field", "unknown_field"}:
            continue
        row = {k: v for k, v in FULL[kind].items() if not k.startswith("port_")}
        row = {"movement_ref": "M-1", "declared_at": row["declared_at"], **example.broken}
        with pytest.raises(RecordRejected) as caught:
            read_movement(kind, {"attributes": {"x": 1.0}, **row})
        assert example.code in {problem.code for problem in caught.value.problems}


def body(kind: str, field: str, text: str) -> bytes:
    """The example of a kind with a field whose value is this text of JSON."""
    row = json.dumps({**MOVEMENT_EXAMPLES[kind], field: "@"})
    return row.replace('"@"', text).encode()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("NaN", "bad_json"),
        ("Infinity", "bad_json"),
        ("-Infinity", "bad_json"),
        ("1e400", "record_rejected"),
        ("-1e400", "record_rejected"),
        ("1" + "0" * 400, "record_rejected"),
        ("9" * 5000, "bad_json"),
        ("-0x10", "bad_json"),
        ("01", "bad_json"),
        ("1.", "bad_json"),
        ("+1", "bad_json"),
        ("'1'", "bad_json"),
        ("tru", "bad_json"),
        ("1, ", "bad_json"),
        ("[" * 30 + "]" * 30, "too_deep"),
        ('{"a":' * 30 + "1" + "}" * 30, "too_deep"),
        ('{"a": 1, "a": 2}', "duplicate_key"),
        ('[{"a": 1, "a": 2}]', "duplicate_key"),
        ('"\\ud800"', "not_utf8"),
        ('"\\udc00\\ud800"', "not_utf8"),
        ('"\\ud800x"', "not_utf8"),
    ],
)
def test_traps_of_json(kind: str, text: str, code: str) -> None:
    for field in ("attributes", "declared_at", "port_time_zone", "version"):
        with pytest.raises(RequestRefused) as caught:
            read_score_request(body(kind, field, text))
        # Half a surrogate pair is no time, which is noticed before the bytes are read again.
        rejected = code == "record_rejected" or (code, field) == ("not_utf8", "declared_at")
        assert caught.value.code == ("record_rejected" if rejected else code)
        found = [(problem.code, problem.pointer) for problem in caught.value.errors]
        assert found == ([("bad_value", f"/{field}")] if rejected else [])


@pytest.mark.parametrize("text", ["nan", "NaN", "inf", "-inf", "Infinity", "1e400", "1_000"])
def test_numbers_that_are_none_do_not_come_in_as_text(text: str) -> None:
    for field in ("gross_mass_kg", "value_gbp"):
        with pytest.raises(RecordRejected):
            read_movement("vehicle", {**FULL["vehicle"], field: text})
    with pytest.raises(RecordRejected):
        read_movement("vessel", {**FULL["vessel"], "cash_gbp": text})


def test_half_a_surrogate_pair_beside_a_local_time_is_refused_too() -> None:
    """A row with a local time is read from the parsed values, not from the bytes."""
    row = {**MOVEMENT_EXAMPLES["vessel"], "arrives_at": "2026-03-02T10:00", "berth": "\ud800"}
    with pytest.raises(RequestRefused) as caught:
        read_score_request(json.dumps(row).encode())
    assert caught.value.code == "not_utf8"


def test_msgspec_agrees_with_itself_on_what_a_record_is() -> None:
    for kind in KINDS:
        assert msgspec.json.schema(RECORDS[kind])
