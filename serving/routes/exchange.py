"""Events of partner agencies."""

from email.utils import parsedate_to_datetime

from starlette.requests import Request
from starlette.responses import Response

from features.clock import Micros, to_micros
from features.records import Problem
from serving.auth.access import Client
from serving.exchange.bodies import read_body
from serving.exchange.envelope import BATCHED, STRUCTURED
from serving.problems import RequestRefused
from serving.routes.shell import (
    JsonAnswer,
    body_of,
    counters_of,
    for_clients,
    media_type_of,
    no_query,
    route,
    state_of,
)
from serving.wire import encode
from serving.wire.exchange import EventReceipt


async def _events(request: Request, client: Client) -> Response:
    request.app.state.collector.touch()
    no_query(request)
    media_type = media_type_of(request, STRUCTURED, BATCHED)
    sent = read_body(await body_of(request, client), media_type)
    answer = await state_of(request).exchange.take(sent.events, client, _sent_at(request))
    for receipt in answer.events:
        counters_of(request).partner_events.labels(receipt.status).inc()
    if sent.alone:
        _refuse(answer.events[0])
    return JsonAnswer(encode(answer))


def _refuse(receipt: EventReceipt) -> None:
    """A single event that is rejected is a problem of the whole request."""
    for error in receipt.errors:
        place = error.pointer.removeprefix("/0")  # its pointer is that of an array
        problem = Problem(error.code, place, error.message)
        raise RequestRefused(error.code, error.message, errors=(problem,))


def _sent_at(request: Request) -> Micros | None:
    """By the sender's clock, as the header ``Date`` has it; None without one that can be read."""
    try:
        return to_micros(parsedate_to_datetime(request.headers["date"]))
    except (KeyError, ValueError, OverflowError):
        return None


ROUTES = [route("/v1/exchange/events", POST=for_clients("exchange", _events))]
