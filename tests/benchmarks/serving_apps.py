"""What the benchmarks of the service compare, each under the same server: an echo, the service,
and the service with its records left out.

Quota and pace are out of the way: closed loops ask what a score costs, not how many are taken on.
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from features.ledger import Appended
from features.settings import read_settings
from serving.app import create_app
from serving.committing import Computed
from serving.http_door import guard
from serving.metrics import Counters
from serving.state import ServingState
from serving.wire.rows import RowAnswer
from serving.writer import SWITCH_SECONDS

UNBOUNDED = {"requests_per_second": 1e9, "scores_per_second": 0.0}


class Unrecorded:
    """In the place of the recorder: every answer is given as it was computed."""

    async def done(self, work: "partial[Any]", _: int) -> Any:
        computed: Sequence[Computed] = work.args[0]
        return [(one.record, _recorded_nowhere()) for one in computed]


async def _nothing_recorded(*_: Any) -> dict[int, RowAnswer]:
    """Of a batch: nobody asks what would be recorded, so that nothing of it is made."""
    return {}


def _recorded_nowhere() -> Appended:
    return Appended(position=0, available_at=0, duplicate=False)


def echo() -> Starlette:
    async def answer(request: Request) -> Response:
        return Response(await request.body(), media_type="application/json")

    return Starlette(routes=[Route("/v1/scores", answer, methods=["POST"])])


def recorded() -> Starlette:
    return _service(ServingState)


def unrecorded() -> Starlette:
    def opened(*arguments: Any) -> ServingState:
        state = ServingState(*arguments)
        vars(vars(state.batches)["_slices"])["_recorder"] = Unrecorded()
        vars(state.batches)["_otherwise"] = _nothing_recorded
        return state

    return _service(opened)


def _service(opened: Callable[..., ServingState]) -> Starlette:
    sys.setswitchinterval(SWITCH_SECONDS)
    settings = read_settings().model_copy(update=UNBOUNDED)
    app = create_app(lambda: opened(settings), counters=Counters(), owns_process=True)
    guard(app)
    return app


def main() -> None:
    name, port = sys.argv[1], int(sys.argv[2])
    app = {one.__name__: one for one in (echo, recorded, unrecorded)}[name]()
    uvicorn.run(app, port=port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
