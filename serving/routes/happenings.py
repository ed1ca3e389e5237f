"""What happened to movements afterwards: outcomes, decisions, cancellations."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import prometheus_client
from starlette.requests import Request
from starlette.responses import Response

from features.records import Problem
from features.records.decision import Decision
from serving import sandbox
from serving.auth.access import Client
from serving.problems import PROBLEMS, RequestRefused
from serving.routes.scores import kind_asked
from serving.routes.shell import (
    JsonAnswer,
    counters_of,
    for_clients,
    json_body,
    no_query,
    query,
    required,
    route,
    state_of,
)
from serving.wire import (
    CancellationReceipt,
    DecisionsAnswer,
    OutcomeMessage,
    OutcomesAnswer,
    Receipt,
    encode,
    read_decisions,
    read_outcomes,
    rejected,
)
from serving.wire.receipts import Sent

M = TypeVar("M", OutcomeMessage, Decision)
Record = Callable[[Sequence[M | Receipt], Client], Awaitable[tuple[Receipt, ...]]]


async def _outcomes(request: Request, client: Client) -> Response:
    sent = read_outcomes(await _body(request, client))
    if any(not sandbox.is_reserved(outcome.movement_ref) for outcome in _read(sent)):
        required(client, "outcomes")
    happenings, counters = state_of(request).happenings, counters_of(request)
    receipts = await _taken(sent, client, happenings.record_outcomes, counters.outcomes)
    return JsonAnswer(encode(OutcomesAnswer(outcomes=receipts)))


async def _decisions(request: Request, client: Client) -> Response:
    sent = read_decisions(await _body(request, client))
    if any(sandbox.reference_of(decision.score_id) is None for decision in _read(sent)):
        required(client, "decisions")
    happenings, counters = state_of(request).happenings, counters_of(request)
    receipts = await _taken(sent, client, happenings.record_decisions, counters.decisions)
    return JsonAnswer(encode(DecisionsAnswer(decisions=receipts)))


async def _body(request: Request, client: Client) -> bytes:
    request.app.state.collector.touch()
    no_query(request)
    return await json_body(request, client)


def _read(sent: Sent[M]) -> list[M]:
    """Those that broke no rule."""
    return [item for item in sent.items if not isinstance(item, Receipt)]


async def _taken(
    sent: Sent[M], client: Client, record: Record[M], counter: prometheus_client.Counter
) -> tuple[Receipt, ...]:
    """Receipts in the order sent, counted by what became of each.

    Raises:
        RequestRefused: as ``record``, or for a single event that is rejected.
    """
    receipts = await record(sent.items, client)
    for receipt in receipts:
        counter.labels(receipt.status).inc()
    _refuse_alone(receipts, alone=sent.alone)
    return receipts


async def _cancel(request: Request, client: Client) -> Response:
    kind = kind_asked(query(request, "kind"))
    movement_ref = request.path_params["movement_ref"]
    if sandbox.is_reserved(movement_ref):
        made_up = sandbox.answer(kind, movement_ref, 1, client)
        receipt = CancellationReceipt(
            kind=kind,
            movement_ref=movement_ref,
            up_to_version=made_up.movement_version,
            status="accepted",
            position=None,
        )
        return JsonAnswer(encode(receipt))
    required(client, "cancel")
    receipt = await state_of(request).happenings.cancel(kind, movement_ref, client)
    return JsonAnswer(encode(receipt))


def _refuse_alone(receipts: Sequence[Receipt], *, alone: bool) -> None:
    """A single event that is rejected is a problem of the whole request."""
    if not alone or receipts[0].status != "rejected":
        return
    problem = receipts[0].errors[0]
    if problem.code in PROBLEMS:
        raise RequestRefused(problem.code, problem.message)
    errors = receipts[0].errors  # their pointers are those of an array
    raise rejected(tuple(Problem(e.code, e.pointer.removeprefix("/0"), e.message) for e in errors))


ROUTES = [
    route("/v1/outcomes", POST=for_clients("outcomes", _outcomes)),
    route("/v1/decisions", POST=for_clients("decisions", _decisions)),
    route("/v1/movements/{movement_ref:text}", DELETE=for_clients("cancel", _cancel)),
]
