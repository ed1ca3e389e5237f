"""The operation of partner agencies."""

from typing import Any

from serving.exchange.bodies import MOST_EVENTS
from serving.exchange.envelope import BATCHED, MOST_EVENT_BYTES, STRUCTURED, Envelope
from serving.exchange.incoming import NOT_VOUCHED_FOR
from serving.exchange.messages import TYPES as MESSAGES
from serving.openapi.parts import BODY_PROBLEMS, reference, responses
from serving.wire.exchange import EventsAnswer

TAG = "Exchange between agencies"
TYPES = (Envelope, *dict.fromkeys(MESSAGES.values()), EventsAnswer)
_CODES = (
    *sorted(NOT_VOUCHED_FOR),
    "event_conflict",
    "event_too_large",
    "too_many_rows",
    "bad_event",
    "unknown_event_type",
    "own_event",
)


def paths() -> dict[str, Any]:
    return {"/v1/exchange/events": {"post": _events()}}


def _events() -> dict[str, Any]:
    types = "; ".join(f"`{name}`: {message.__name__}" for name, message in MESSAGES.items())
    one = reference(Envelope.__name__)
    problems = tuple(code for code in BODY_PROBLEMS if code != "record_rejected")
    return {
        "operationId": "exchange",
        "summary": "Take events of a partner agency",
        "description": (
            "CloudEvents 1.0, one (structured) or up to "
            f"{MOST_EVENTS} (batched), each of at most {MOST_EVENT_BYTES} bytes and signed by the "
            "agency that sends it, besides the credential. On disk before it is answered; an id "
            "sent again with the same content is a duplicate, whatever the order. Types, and what "
            f"their data is: {types}."
        ),
        "requestBody": {
            "required": True,
            "content": {
                STRUCTURED: {"schema": one},
                BATCHED: {"schema": {"type": "array", "items": one, "maxItems": MOST_EVENTS}},
            },
        },
        "responses": responses(EventsAnswer, "One receipt for each, as sent", (*problems, *_CODES)),
    }
