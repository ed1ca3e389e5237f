"""The application of one worker: its routes, and the chores that it does beside answering."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from starlette.applications import Starlette
from starlette.datastructures import State
from starlette.types import Receive, Scope, Send

from serving.collection import IdleCollector
from serving.metrics import Counters
from serving.metrics_port import MetricsPort, metrics_port
from serving.request_log import RequestLog
from serving.routes import PLAIN_PATHS, ROUTES

if TYPE_CHECKING:  # it imports what scores: seconds and memory that only a worker needs
    from serving.state import ServingState

logger = logging.getLogger("foreland.serving")

HOUSEKEEPING_SECONDS = 1.0
"""How long a promotion takes to be noticed."""


class Application(Starlette):
    """Starlette, but a path without parameters is one look-up away: our routes answer every fault
    of their own, so that nothing which Starlette puts around them has anything to do."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self
        if scope["type"] == "http" and (answer := PLAIN_PATHS.get(scope["path"])) is not None:
            await answer(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(
    open_state: "Callable[[], ServingState]",
    *,
    counters: Counters,
    owns_process: bool = False,
) -> Application:
    """The application; ``open_state`` runs when it starts, in the process that serves.

    With ``owns_process`` nothing else lives in the process, and garbage is collected between
    requests rather than during them.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        state = open_state()
        collector = IdleCollector()
        app.state.serving, app.state.counters, app.state.collector = state, counters, collector
        app.state.request_log = RequestLog(state.settings)
        if owns_process:
            collector.start()
        port = metrics_port(state.settings, counters.exposition)
        chores = [
            asyncio.create_task(_keep_house(state, collector, counters, port)),
            asyncio.create_task(state.gate.keep_current()),
            asyncio.create_task(state.heads.keep()),
            asyncio.create_task(state.reassessing.keep()),
            asyncio.create_task(state.exchange.sending.keep()),
        ]
        try:
            yield
        finally:
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
            await asyncio.to_thread(port.close)
            await asyncio.to_thread(state.close)

    application = Application(routes=ROUTES, lifespan=lifespan)
    # Starlette's own finds each name only after a failed look-up, several times a request.
    application.state = cast(State, SimpleNamespace())
    return application


async def _keep_house(
    state: "ServingState", collector: IdleCollector, counters: Counters, port: MetricsPort
) -> None:
    while True:
        await asyncio.to_thread(port.try_to_open)
        await asyncio.sleep(HOUSEKEEPING_SECONDS)
        try:
            await state.bundles.refresh()
        except Exception:  # a bundle must never end the watch for the next one
            logger.exception("looking for promoted bundles failed")
        try:
            counters.show_lag(*await state.tend())
            counters.show_suspended(state.suspended())
            counters.show_work(state.work())
            counters.show_exchange(state.exchange.sending.work())
        except Exception:
            logger.exception("following the ledger failed")
        collector.tick(at_work=state.batches.places.taken > 0)
