"""What happened to movements afterwards: outcomes of examinations."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.auth.access import Client
from serving.problems import RequestRefused
from serving.routes.shell import (
    Methods,
    counters_of,
    for_clients,
    json_answer,
    json_body,
    no_query,
    state_of,
)
from serving.wire import encode, read_outcomes


async def _outcomes(request: Request, client: Client) -> Response:
    request.app.state.collector.touch()
    no_query(request)
    sent = read_outcomes(await json_body(request))
    answer = await state_of(request).happenings.record_outcomes(sent.items, client)
    for receipt in answer.outcomes:
        counters_of(request).outcomes.labels(receipt.status).inc()
    if sent.alone and answer.outcomes[0].status == "rejected":
        raise RequestRefused("event_conflict", answer.outcomes[0].errors[0].message)
    return json_answer(encode(answer))


ROUTES = [Route("/v1/outcomes", Methods(POST=for_clients("outcomes", _outcomes)))]
