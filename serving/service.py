"""The service as BentoML runs it: workers, life cycle, probes; the only file that imports bentoml.

Its settings come from what was measured: a short traffic timeout, because every request leaves
its timer behind until it fires; no tracing middleware, no access log and no path-labelled metrics,
which cost most of a request and would write down what clients send.
"""

import os
from typing import TYPE_CHECKING, Any, cast

import bentoml
from starlette.types import ASGIApp, Receive, Scope, Send

from features.settings import read_settings
from serving.app import create_app
from serving.metrics import Counters

if TYPE_CHECKING:
    from serving.state import ServingState

WORKERS_VARIABLE = "FORELAND_SERVE_WORKERS"
TRAFFIC_TIMEOUT_SECONDS = 5  # above the longest wait for a commit, so that our own answer is first
PROBES = frozenset({"/livez", "/readyz", "/healthz"})


def _open_state() -> "ServingState":
    from serving.state import ServingState  # the supervisor imports this file too, and serves not

    return ServingState(read_settings())


app = create_app(_open_state, counters=Counters(), owns_process=True)


class OwnProbes:
    """Answers probes by our application, which says why, before BentoML's bare ones."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        own = scope["type"] == "http" and scope["path"] in PROBES
        await (app if own else self._inner)(scope, receive, send)


@bentoml.service(
    name="foreland",
    workers=int(os.environ.get(WORKERS_VARIABLE, "1")),
    traffic={"timeout": TRAFFIC_TIMEOUT_SECONDS},
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
    tracing={"excluded_urls": ".*"},
)
@bentoml.asgi_app(app, path="/")
class Foreland:
    """Assesses movements; all routes are those of ``serving.app``."""


cast(Any, Foreland).add_asgi_middleware(OwnProbes)
