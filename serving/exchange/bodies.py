"""Events as they come: one in a body, many in an array, or one on each line of a file."""

from typing import NamedTuple

from serving.exchange.envelope import STRUCTURED
from serving.exchange.incoming import Sent
from serving.problems import RequestRefused
from serving.strict_json import parse_strictly
from serving.wire.json import each_of

MOST_EVENTS = 500


class Body(NamedTuple):
    events: list[Sent]
    alone: bool
    """True for a single event, which is refused as a whole request."""


def read_body(body: bytes, media_type: str) -> Body:
    """
    Raises:
        RequestRefused: JSON that is refused, no array in batched mode, or too many events.
    """
    rows = parse_strictly(body)
    if media_type == STRUCTURED:
        return Body([Sent(rows, body)], alone=True)
    if not isinstance(rows, list):
        raise RequestRefused("bad_json", "a batch of events is an array; send one")
    if len(rows) > MOST_EVENTS:
        raise RequestRefused(
            "too_many_rows", f"a batch holds at most {MOST_EVENTS} events; send fewer"
        )
    each = zip(rows, each_of(body), strict=True)
    return Body([Sent(row, raw) for row, raw in each], alone=False)
