"""The service as BentoML runs it: workers, life cycle, probes, and its Bentos.

Its settings come from what was measured: a short traffic timeout, because every request leaves
its timer behind until it fires; no tracing middleware, no access log and no path-labelled metrics,
which cost most of a request and would write down what clients send.
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self, cast

import bentoml
from bentoml.exceptions import BentoMLException
from pydantic import Field, RootModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from features.errors import ForelandError
from features.settings import read_settings
from serving import logs
from serving.app import create_app
from serving.bento_calls import SCORE, SCORE_BATCH
from serving.door import FOR_CLIENTS, Door
from serving.http_door import guard
from serving.metrics import Counters
from serving.vocabulary import Explain

if TYPE_CHECKING:
    from serving.state import ServingState

WORKERS_VARIABLE = "FORELAND_SERVE_WORKERS"
TRAFFIC_TIMEOUT_SECONDS = 8  # above those for body and commit together: our own answer is first
PROBES = frozenset({"/livez", "/readyz", "/healthz"})


def _open_state() -> "ServingState":
    """Runs in a worker only: the supervisor imports this file too, but nothing that scores."""
    # LightGBM looks for scikit-learn to offer wrappers that nothing here uses; finding it would
    # cost each worker 2.4 s and 60 MB.
    sys.modules.setdefault("sklearn", None)  # type: ignore[arg-type]  # None: cannot be imported
    from serving.writer import SWITCH_SECONDS

    sys.setswitchinterval(SWITCH_SECONDS)
    logs.start()
    from serving import model_store
    from serving.state import ServingState

    settings, bento = read_settings(), cast(Any, Foreland).bento
    if bento is not None and settings.pins_directory is None:
        settings = settings.model_copy(update={"pins_directory": _pins_of(bento)})
    refused = counters.credentials_refused
    failed = counters.challenger_failures
    state = ServingState(
        settings,
        lambda reason: refused.labels(reason).inc(),
        lambda kind, why: failed.labels(kind, why).inc(),
        lambda kind: counters.rule_failures.labels(kind).inc(),
    )
    if bento is None:
        following = asyncio.create_task(model_store.follow(state.bundles, settings.pins))
        of_worker.callback(following.cancel)
    return state


def _pins_of(bento: Any) -> Path:
    """A pins directory of the models that the Bento was built with."""
    from serving.model_store import link_pins

    pins = Path(of_worker.enter_context(TemporaryDirectory(prefix="foreland-pins-")))
    models = (bentoml.models.get(model.tag) for model in bento.info.all_models)
    link_pins((Path(model.path) for model in models), pins)
    return pins


of_worker = ExitStack()
"""What ends with the worker."""
counters = Counters()
app = create_app(_open_state, counters=counters, owns_process=True)
guard(app)


class OwnPaths:
    """Answers what is for clients by our application, without BentoML's way to it; and probes by
    those of it that say why, before BentoML's bare ones."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner
        self._door = Door(app, app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
        elif scope["path"].startswith(FOR_CLIENTS):
            await self._door(scope, receive, send)
        else:
            await (app if scope["path"] in PROBES else self._inner)(scope, receive, send)


class Unread(bentoml.IODescriptor):  # type: ignore[misc]  # it has no types
    """Arguments of a call as clients and descriptions see them; the body is left to our own parser.

    BentoML would read it before it is known who sends it, of any size, taking ``"5"`` for 5, the
    last of two equal keys, and no notice of a field that does not exist.
    """

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> Self:  # noqa: ARG003
        return cast(Self, cls.model_construct(**dict.fromkeys(cls.model_fields)))


class ScoreArguments(Unread):
    movement: dict[str, Any] = Field(description="What POST /v1/scores takes.")
    explain: Explain = Field(default="referred", description="Which assessments have reasons.")


class ScoreBatchArguments(Unread):
    movements: list[dict[str, Any]] = Field(description="Each as POST /v1/scores takes it.")
    explain: Explain = Field(default="never", description="Which assessments have reasons.")


class Assessment(RootModel[dict[str, Any]]):
    """The body of an answer to POST /v1/scores."""


class Assessments(RootModel[list[dict[str, Any]]]):
    """One for each movement, in their order; a problem document in the place of a refused one."""


class FromRoute(Response):
    """The answer of a route of ours, whatever its status, in the place of one of BentoML's."""

    def __init__(self, route: ASGIApp) -> None:
        super().__init__()
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._route({**scope, "app": app}, receive, send)
        if self.background is not None:
            await self.background()


async def _docs(_: Request) -> Response:
    return JSONResponse(cast(Any, Foreland).openapi_spec.asdict())


bento_docs = Starlette(routes=[Route("/docs.json", _docs)])
"""BentoML's description of its own two routes, in front of the application's answer for paths that
do not exist; the whole API is described by the application, at /openapi.json."""


@bentoml.service(
    name="foreland",
    workers=int(os.environ.get(WORKERS_VARIABLE, "1")),
    traffic={"timeout": TRAFFIC_TIMEOUT_SECONDS},
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
    tracing={"excluded_urls": ".*"},
)
@bentoml.asgi_app(app, path="/")
@bentoml.asgi_app(bento_docs, path="/")
class Foreland:
    """Assesses movements. ``score`` and ``score_batch`` are for BentoML's clients; all other
    routes, and the hot ones, are those of ``serving.app``."""

    @bentoml.api(input_spec=ScoreArguments, output_spec=Assessment)  # type: ignore[untyped-decorator]
    async def score(self, **_: Any) -> Response:
        """One movement to its assessment, as POST /v1/scores."""
        return FromRoute(SCORE)

    @bentoml.api(input_spec=ScoreBatchArguments, output_spec=Assessments)  # type: ignore[untyped-decorator]
    async def score_batch(self, **_: Any) -> Response:
        """Movements to assessments; one that is refused does not stop the others."""
        return FromRoute(SCORE_BATCH)

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def end(self) -> None:
        """BentoML calls this when the application has answered its last request."""
        of_worker.close()


class PromotedModels:
    """The models of a Bento: what is promoted when it is built. BentoML asks for them then."""

    def __iter__(self) -> Iterator[Any]:
        if (Path(__file__).parents[2] / "bento.yaml").exists():
            return  # this file is part of a Bento, which has its models
        if WORKERS_VARIABLE in os.environ:
            return  # `foreland serve`, which BentoML asks too: it starts before there is a model
        from models.trust import trusted_keys
        from serving.model_store import keep_promoted

        settings = read_settings()
        try:
            promoted = keep_promoted(settings.pins, trusted_keys(settings))
        except ForelandError as exc:
            raise BentoMLException(str(exc)) from exc
        yield from (bentoml.models.BentoModel(kept.tag) for kept in promoted)


cast(Any, Foreland).models = PromotedModels()
cast(Any, Foreland).add_asgi_middleware(OwnPaths)
