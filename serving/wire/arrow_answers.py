"""The results of a batch as an Arrow IPC stream."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from operator import gt
from typing import Any

import msgspec
import pyarrow as pa

from serving.wire.assessment import MatchShown
from serving.wire.batch import refused_row
from serving.wire.rows import Answers, Given, RowAnswer, SentRows

_TEXTS = pa.list_(pa.string())
_ERRORS = pa.list_(
    pa.struct([("code", pa.string()), ("pointer", pa.string()), ("message", pa.string())])
)
_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("movement_ref", pa.string()),
    ("status", pa.string()),
    ("replayed", pa.bool_()),
    ("score_id", pa.string()),
    ("probability", pa.float64()),
    ("band", pa.string()),
    ("degraded_reasons", _TEXTS),
    ("reasons", _TEXTS),
    ("model_version", pa.int64()),
    ("as_of", pa.timestamp("us", "UTC")),
    ("ledger_position", pa.int64()),
    ("simulated", pa.bool_()),
    ("matches", _TEXTS),
    ("consignments", pa.string()),
    ("errors", _ERRORS),
]
RESULT_SCHEMA = pa.schema(_COLUMNS)
"""A row for each row sent, in their order; from ``score_id`` on null where there is no assessment,
but for ``errors``."""


class _Sentence(msgspec.Struct):
    sentence: str


class _Version(msgspec.Struct):
    version: int


class _Said(msgspec.Struct):
    """What the columns hold of an assessment."""

    score_id: str
    probability: float | None
    band: str
    degraded_reasons: list[str]
    reasons: list[_Sentence]
    model: _Version | None
    as_of: datetime
    ledger_position: int
    simulated: bool
    matches: tuple[MatchShown, ...] = ()
    consignments: _Sentence | None = None


_decode_said = msgspec.json.Decoder(_Said).decode


def as_arrow(rows: SentRows, answers: Answers) -> bytes:
    """
    Args:
        answers: one for each row.
    """
    columns = _columns(rows, answers)
    arrays = [pa.array(columns[field.name], field.type) for field in RESULT_SCHEMA]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, RESULT_SCHEMA) as writer:
        writer.write_batch(pa.record_batch(arrays, schema=RESULT_SCHEMA))
    stream: bytes = sink.getvalue().to_pybytes()
    return stream


def _columns(rows: SentRows, answers: Answers) -> dict[str, Sequence[Any]]:
    parts = [(list(answers.apart), _apart(rows, answers.apart))]
    parts += [(list(one.places), one.in_columns()) for one in answers.together]
    places = list(chain.from_iterable(part for part, _ in parts))
    joined: dict[str, Sequence[Any]]
    joined = {name: list(chain.from_iterable(of[name] for _, of in parts)) for name in parts[0][1]}
    if any(map(gt, places, places[1:])):
        order = sorted(range(len(places)), key=places.__getitem__)
        joined = {name: [column[at] for at in order] for name, column in joined.items()}
    return {"movement_ref": rows.references, **joined}


def _apart(rows: SentRows, answers: Mapping[int, RowAnswer]) -> dict[str, Sequence[Any]]:
    """Of those that were answered one by one."""
    results = [
        answer if isinstance(answer, Given) else refused_row(at, rows.references[at], answer)
        for at, answer in answers.items()
    ]
    said = [_decode_said(one.body) if isinstance(one, Given) else None for one in results]
    return {
        "status": [one.status for one in results],
        "replayed": [one.replayed for one in results],
        "score_id": [one and one.score_id for one in said],
        "probability": [one and one.probability for one in said],
        "band": [one and one.band for one in said],
        "degraded_reasons": [one and one.degraded_reasons for one in said],
        "reasons": [one and [reason.sentence for reason in one.reasons] for one in said],
        "model_version": [one and one.model and one.model.version for one in said],
        "as_of": [one and one.as_of for one in said],
        "ledger_position": [one and one.ledger_position for one in said],
        "simulated": [one and one.simulated for one in said],
        "matches": [one and [match.in_words() for match in one.matches] for one in said],
        "consignments": [one and one.consignments and one.consignments.sentence for one in said],
        "errors": [
            () if isinstance(one, Given) else [msgspec.to_builtins(error) for error in one.errors]
            for one in results
        ],
    }
