"""Scores: one movement in, its recorded assessment out; and what was recorded before."""

from typing import TYPE_CHECKING, cast, get_args

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from features.records import kind_of
from serving import sandbox
from serving.auth.access import NEEDED, Client
from serving.idempotency import key_sent
from serving.officer_page import page_of, page_of_answer
from serving.problems import RequestRefused
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
from serving.vocabulary import LONGEST_REFERENCE, Explain, Kind
from serving.wire import ScoreRequest, encode, read_score_request
from serving.wire.assessment import as_list

if TYPE_CHECKING:  # it imports what scores: seconds and memory that only a worker needs
    from serving.scoring import ScoreAnswer


async def _score(request: Request, client: Client) -> Response:
    request.app.state.collector.touch()
    explain, key = explain_asked(request, unless_asked="referred"), key_sent(request)
    movement = read_score_request(await json_body(request, client))
    return answered(*await assessed(request, movement, explain, client, key))


async def assessed(
    request: Request,
    movement: ScoreRequest,
    explain: Explain,
    client: Client,
    key: str | None = None,
) -> "tuple[bytes, ScoreAnswer | None]":
    """The answer to one movement, counted; and what was recorded of it, unless it is made up."""
    if sandbox.is_reserved(movement.movement_ref):
        kind = cast(Kind, kind_of(movement))
        made_up = sandbox.answer(kind, movement.movement_ref, movement.version, client)
        return encode(made_up), None
    required(client, "score")
    answer = await state_of(request).scoring.score(movement, explain, client, key)
    counters = counters_of(request)
    if answer.replayed:
        counters.replays.labels(answer.kind).inc()
    else:
        counters.scores_of(answer.kind, answer.band, answer.status).inc()
    return answer.body, answer


def answered(body: bytes, recorded: "ScoreAnswer | None") -> Response:
    if recorded is None:
        return JsonAnswer(body)
    headers = [(b"location", b"/v1/scores/" + recorded.score_id.encode())]
    if recorded.replayed:
        headers.append((b"idempotent-replayed", b"true"))
    return JsonAnswer(body, *headers, *_link_to(recorded.later))


def _link_to(later: str | None) -> list[tuple[bytes, bytes]]:
    """Recorded answers stay as they were given: that there is a later one is said beside them."""
    if later is None:
        return []
    return [(b"link", f'</v1/scores/{later}>; rel="latest-version"'.encode())]


async def _stored_score(request: Request, client: Client) -> Response:
    no_query(request)
    score_id = request.path_params["score_id"]
    if sandbox.reference_of(score_id) is not None:
        return JsonAnswer(encode(replace(sandbox.stored(score_id, client), movement_ref=None)))
    required(client, "stored_score")
    archive = state_of(request).archive
    recorded = await archive.shown(score_id, client, "stored_score")
    if recorded is None or recorded.body is None:
        raise RequestRefused("no_such_score", "no assessment is recorded under this id")
    return JsonAnswer(recorded.body, *_link_to(await archive.later_than(recorded)))


async def _score_page(request: Request, client: Client) -> Response:
    no_query(request)
    score_id = request.path_params["score_id"]
    if sandbox.reference_of(score_id) is not None:
        return _page(page_of_answer(sandbox.stored(score_id, client)))
    required(client, "score_page")
    recorded = await state_of(request).archive.shown(score_id, client, "page")
    if recorded is None:
        raise RequestRefused("no_such_score", "no assessment is recorded under this id")
    if client.scopes.isdisjoint(NEEDED["links"]):
        why = "It is shown to clients with the scope links.read."
        return _page(page_of(recorded, why_no_links=why))
    state = state_of(request)
    try:
        declared_at = await state.archive.declared_at(recorded)
        around = await state.neighbourhoods.of_assessment(declared_at, recorded.as_of)
    except RequestRefused as exc:  # a page without it is better than none
        return _page(page_of(recorded, why_no_links=f"It is not shown: {exc}."))
    return _page(page_of(recorded, around))


def _page(body: bytes) -> Response:
    """Policy beside the page's own: nobody else's page may frame it."""
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(body, media_type="text/html", headers=headers)


async def _scores_of_movement(request: Request, client: Client) -> Response:
    asked = query(request, "movement_ref", "kind")
    kind, movement_ref = kind_asked(asked), asked.get("movement_ref", "")
    if not 1 <= len(movement_ref) <= LONGEST_REFERENCE:
        raise RequestRefused(
            "bad_query",
            f"movement_ref says of which movement, in 1 to {LONGEST_REFERENCE} characters; give it",
        )
    if sandbox.is_reserved(movement_ref):
        return JsonAnswer(as_list([encode(sandbox.answer(kind, movement_ref, 1, client))]))
    required(client, "scores_of_movement")
    found = await state_of(request).archive.answers_about(kind, movement_ref, client)
    return JsonAnswer(as_list(found))


def kind_asked(asked: dict[str, str]) -> Kind:
    """
    Raises:
        RequestRefused: ``bad_query``.
    """
    kind = asked.get("kind", "")
    if kind not in get_args(Kind):
        raise RequestRefused(
            "bad_query", f"the query parameter kind is one of {', '.join(get_args(Kind))}"
        )
    return cast(Kind, kind)


_EXPLAIN_ALONE: dict[bytes, Explain] = {f"explain={one}".encode(): one for one in get_args(Explain)}
"""Queries as nearly every client sends them."""


def explain_asked(request: Request, *, unless_asked: Explain) -> Explain:
    """
    Raises:
        RequestRefused: ``bad_query``.
    """
    sent = request.scope["query_string"]
    if not sent:
        return unless_asked
    if (usual := _EXPLAIN_ALONE.get(sent)) is not None:
        return usual
    asked = query(request, "explain").get("explain", unless_asked)
    if asked not in get_args(Explain):
        raise RequestRefused(
            "bad_query", f"the query parameter explain is one of {', '.join(get_args(Explain))}"
        )
    return cast(Explain, asked)


ROUTES = [
    route(
        "/v1/scores",
        POST=for_clients("score", _score),
        GET=for_clients("scores_of_movement", _scores_of_movement),
    ),
    route("/v1/scores/{score_id}", GET=for_clients("stored_score", _stored_score)),
    route("/v1/scores/{score_id}/page", GET=for_clients("score_page", _score_page)),
]
