"""JSON in and out, and the refusal of what does not fit its type."""

from typing import Any

import msgspec

from features.records import Problem, RecordRejected
from features.records.shapes import shape_problem
from serving.problems import RequestRefused

encode = msgspec.json.Encoder().encode
_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


def each_of(array: bytes) -> list[bytes]:
    """The items of a JSON array that was parsed already, each as it was sent."""
    return [bytes(item) for item in _decode_items(array)]


def rejected(problems: tuple[Problem, ...]) -> RequestRefused:
    many = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    first = problems[0]
    return RequestRefused(
        "record_rejected",
        f"{first.pointer or '/'}: {first.message}{many}",
        errors=problems,
    )


def typed(decode: Any, sent: Any, record: type[msgspec.Struct]) -> Any:
    try:
        return decode(sent)
    except msgspec.ValidationError as exc:
        raise RecordRejected((shape_problem(exc, record),)) from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        # json.loads took it, so all that is left is half of a surrogate pair.
        raise RequestRefused(
            "not_utf8", "a string holds half of a surrogate pair; send whole characters"
        ) from exc
