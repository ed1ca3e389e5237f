"""The proof that one assessment is in the audit log."""

from starlette.requests import Request
from starlette.responses import Response

from serving.auth.access import Client
from serving.problems import RequestRefused
from serving.routes.shell import JsonAnswer, for_clients, no_query, route, state_of
from serving.wire import encode


async def _proof(request: Request, client: Client) -> Response:
    no_query(request)
    proof = await state_of(request).archive.proof(request.path_params["score_id"], client)
    if proof is None:
        raise RequestRefused("no_such_score", "no assessment is recorded under this id")
    return JsonAnswer(encode(proof))


ROUTES = [route("/v1/audit/{score_id}/proof", GET=for_clients("proof", _proof))]
