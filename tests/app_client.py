"""The application in this process, asked as a client asks it."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import httpx
from starlette.applications import Starlette

from serving.problems import PROBLEMS

T = TypeVar("T")


class AppClient:
    """The application on an event loop of its own in another thread, asked over ASGI."""

    def __init__(self, app: Starlette) -> None:
        self.app = app
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._lifespan = app.router.lifespan_context(app)
        self.run(self._lifespan.__aenter__())
        transport = httpx.ASGITransport(app)
        self._http = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")

    def close(self) -> None:
        self.run(self._http.aclose())
        self.run(self._lifespan.__aexit__(None, None, None))
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def request(self, method: str, path: str, **content: Any) -> httpx.Response:
        return self.run(self._http.request(method, path, **content))

    def get(self, path: str, credential: str | None = None) -> httpx.Response:
        return self.request("GET", path, headers=bearer(credential))

    def post(self, path: str, *, json: Any, credential: str | None = None) -> httpx.Response:
        return self.request("POST", path, json=json, headers=bearer(credential))

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(120)


def bearer(credential: str | None) -> dict[str, str]:
    return {} if credential is None else {"Authorization": f"Bearer {credential}"}


def refused_with(response: Any, code: str) -> dict[str, Any]:
    document: dict[str, Any] = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert document["code"] == code
    assert document["type"] == f"urn:foreland:problem:{code}"
    assert response.status_code == document["status"] == PROBLEMS[code].status
    assert document["title"] == PROBLEMS[code].title
    assert document["detail"]
    return document
