"""A recorded assessment against a recomputed one: pure, bit by bit, every difference named."""

import struct
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.clock import iso
from serving.audit import RecordedAssessment
from serving.wire import AssessmentMessage

Floats = NDArray[np.float64]


class Difference(NamedTuple):
    """One value that is not what was recorded."""

    name: str
    recorded: Any
    recomputed: Any

    def __str__(self) -> str:
        """
        >>> print(Difference("haulier.finds", 1.0, 2.0))
        haulier.finds: recorded 1.0 (3ff0000000000000), recomputed 2.0 (4000000000000000)
        """
        return (
            f"{self.name}: recorded {_shown(self.recorded)}, recomputed {_shown(self.recomputed)}"
        )


def row_differences(names: Sequence[str], recorded: Floats, recomputed: Floats) -> list[Difference]:
    """Features whose bits differ, in the order of the catalogue.

    Bits, because ``==`` takes -0.0 for 0.0 and takes no NaN for itself.

    Args:
        recorded, recomputed: float64[F].
    """
    if len(recorded) != len(recomputed):
        return [Difference("number of features", len(recorded), len(recomputed))]
    unequal = recorded.view(np.uint64) != recomputed.view(np.uint64)
    return [
        Difference(names[at], float(recorded[at]), float(recomputed[at]))
        for at in np.flatnonzero(unequal).tolist()
    ]


def answer_differences(body: bytes, recomputed: AssessmentMessage) -> list[Difference]:
    """Members that differ, of those that the recorded answer has: it may be from before others."""
    recorded = msgspec.json.decode(body, type=AssessmentMessage)
    return [
        difference
        for name in msgspec.json.decode(body)
        for difference in _member_differences(
            name, getattr(recorded, name), getattr(recomputed, name)
        )
    ]


def column_differences(recorded: RecordedAssessment, answer: AssessmentMessage) -> list[Difference]:
    """Columns of the audit table that say something else than the sealed answer beside them."""
    model = answer.model
    said = {
        "score_id": answer.score_id,
        "kind": answer.kind,
        "movement_version": answer.movement_version,
        "assessment": answer.assessment_number,
        "because": answer.because,
        "ledger_position": answer.ledger_position,
        "status": answer.status,
        "probability": answer.probability,
        "band": answer.band,
        "model_version": None if model is None else model.version,
        "bundle_sha256": None if model is None else model.bundle_sha256,
    }
    columns = [(name, getattr(recorded, name), value) for name, value in said.items()]
    columns.append(("as_of", iso(recorded.as_of), answer.as_of))
    return [
        Difference(f"column {name}", column, value)
        for name, column, value in columns
        if column != value
    ]


def _member_differences(name: str, recorded: Any, recomputed: Any) -> Iterator[Difference]:
    """Down to the member that differs, such as ``reasons/0/contribution``."""
    if isinstance(recorded, msgspec.Struct) and type(recorded) is type(recomputed):
        for field in recorded.__struct_fields__:
            yield from _member_differences(
                f"{name}/{field}", getattr(recorded, field), getattr(recomputed, field)
            )
    elif isinstance(recorded, tuple) and isinstance(recomputed, tuple):
        if len(recorded) != len(recomputed):
            yield Difference(f"number of {name}", len(recorded), len(recomputed))
        for at, pair in enumerate(zip(recorded, recomputed, strict=False)):
            yield from _member_differences(f"{name}/{at}", *pair)
    elif recorded != recomputed:
        yield Difference(name, recorded, recomputed)


def _shown(value: Any) -> str:
    """A double with its bits, the highest first: what is shown in decimals may look equal."""
    return (
        f"{value!r} ({struct.pack('>d', value).hex()})" if isinstance(value, float) else repr(value)
    )
