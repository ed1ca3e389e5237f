"""The service as BentoML runs it: workers, life cycle, probes; the only file that imports bentoml.

Its settings come from what was measured: a short traffic timeout, because every request leaves
its timer behind until it fires; no tracing middleware, no access log and no path-labelled metrics,
which cost most of a request and would write down what clients send.
"""

import os
import sys
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
SWITCH_SECONDS = 0.0005
PROBES = frozenset({"/livez", "/readyz", "/healthz"})


def _open_state() -> "ServingState":
    """Runs in a worker only: the supervisor imports this file too, but nothing that scores."""
    # LightGBM looks for scikit-learn to offer wrappers that nothing here uses; finding it would
    # cost each worker 2.4 s and 60 MB.
    sys.modules.setdefault("sklearn", None)  # type: ignore[arg-type]  # None: cannot be imported
    # The thread that commits asks for the interpreter after every statement; by default the
    # event loop may keep it for 5 ms each time, several times as long as a commit takes.
    sys.setswitchinterval(SWITCH_SECONDS)
    from serving.state import ServingState

    refused = counters.credentials_refused
    return ServingState(read_settings(), lambda reason: refused.labels(reason).inc())


counters = Counters()
app = create_app(_open_state, counters=counters, owns_process=True)


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
