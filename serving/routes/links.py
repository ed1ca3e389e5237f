"""Who is tied with an entity, as of an instant."""

from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from features.clock import Micros, to_micros
from features.neighbourhood.bounds import MOST_DEPTH, MOST_ENTITIES
from serving.auth.access import Client
from serving.problems import RequestRefused
from serving.routes.shell import JsonAnswer, for_clients, query, route, state_of
from serving.wire import encode
from serving.wire.links import as_answer

ENTITIES_UNLESS_ASKED = 60


async def _links(request: Request, client: Client) -> Response:
    given = query(request, "as_of", "depth", "limit")
    depth = _whole(given.get("depth", "1"), "depth", MOST_DEPTH)
    limit = _whole(given.get("limit", str(ENTITIES_UNLESS_ASKED)), "limit", MOST_ENTITIES)
    state = state_of(request)
    await state.knowledge.follow()
    as_of = _as_of(given.get("as_of"), state.knowledge.as_of())
    from serving.neighbourhoods import Asked  # it imports what only a worker needs

    asked = Asked(request.path_params["key"], as_of, depth, limit)
    key, around = await state.neighbourhoods.around(asked, client)
    return JsonAnswer(encode(as_answer(key, depth, around)))


def _whole(text: str, name: str, most: int) -> int:
    """
    Raises:
        RequestRefused: ``bad_query``.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= most):
        raise RequestRefused(
            "bad_query", f"the query parameter {name} is a whole number from 1 to {most}"
        )
    return int(text)


def _as_of(text: str | None, now: Micros) -> Micros:
    """
    Raises:
        RequestRefused: ``bad_query`` or ``as_of_in_future``.
    """
    if text is None:
        return now
    try:
        as_of = to_micros(datetime.fromisoformat(text))
    except ValueError as exc:
        raise RequestRefused(
            "bad_query",
            "the query parameter as_of is an instant such as 2026-03-01T12:00:00Z, with its zone "
            "(a + is %2B in a URL)",
        ) from exc
    if as_of > now:
        raise RequestRefused(
            "as_of_in_future", "as_of is later than now; leave it out for what is known now"
        )
    return as_of


ROUTES = [route("/v1/entities/{key:path}/links", GET=for_clients("links", _links))]
