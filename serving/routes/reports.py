"""``/reports``: the governance site for people with a browser, who log in with an API key.

The browser asks for name and password (HTTP Basic) and keeps them until it is closed: the password
is an API key or a token with the scope ``report.read``, the name may be anything. There is no
session and no form, so there is nothing to steal but the key itself and nothing to forge
(docs/adr/0031-a-browser-logs-in-with-a-key.md).
"""

from collections.abc import Awaitable, Callable
from html import escape
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serving.auth.access import Client
from serving.problems import PROBLEMS, RequestRefused
from serving.routes.shell import (
    Handler,
    counters_of,
    for_clients,
    no_query,
    route,
    state_of,
)

if TYPE_CHECKING:  # it imports the audit log: a second and memory that only a worker needs
    from serving.published import PublishedFile

_PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'unsafe-inline'",  # a page carries its style, and fetches nothing
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_ANNEX_POLICY = "; ".join(
    (
        # Evidently's page is a script that it carries. In a sandbox of its own origin it can
        # neither ask this service for anything in the reader's name nor send anything elsewhere.
        "sandbox allow-scripts allow-popups allow-top-navigation-by-user-activation",
        "default-src 'none'",
        "script-src 'unsafe-inline' 'unsafe-eval'",
        "style-src 'unsafe-inline'",
        "img-src data: blob:",
        "font-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


async def _report(request: Request, client: Client) -> Response:
    no_query(request)
    found = await state_of(request).published.shown(request.path_params["path"], client)
    headers = {**_HEADERS, "Content-Security-Policy": _policy(found)}
    if not found.media_type.startswith("text/html"):
        file_name = found.name.rpartition("/")[2]
        headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return Response(found.body, media_type=found.media_type, headers=headers)


async def _to_the_index(_: Request) -> Response:
    return RedirectResponse("/reports/", 308)


def _policy(found: "PublishedFile") -> str:
    return _ANNEX_POLICY if "annex" in found.name.split("/")[:-1] else _PAGE_POLICY


def _in_a_page(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A refusal as a page for whoever asks for pages, and as a problem document otherwise."""

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except RequestRefused as exc:
            if "text/html" not in request.headers.get("accept", ""):
                raise
            counters_of(request).problems.labels(exc.code).inc()
            headers = {**_HEADERS, "Content-Security-Policy": _PAGE_POLICY, **exc.headers}
            return Response(
                _refusal(exc), exc.status, headers=headers, media_type="text/html; charset=utf-8"
            )

    return answered


def _refusal(refused: RequestRefused) -> str:
    title = escape(PROBLEMS[refused.code].title)
    again = " Close the browser to log in with another one." if refused.status == 403 else ""
    return (
        '<!doctype html><html lang="en-GB"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} - Foreland</title>"
        "<style>body{font:1.1rem/1.5 arial,sans-serif;max-width:40rem;margin:2rem auto;"
        "padding:0 1rem;color:#0b0c0c}</style></head><body><main>"
        f"<h1>{title}</h1><p>{escape(str(refused))}.</p>"
        "<p>Reports are read with a key that has the scope report.read: give it as the password, "
        f"with any name.{again} Whoever runs the service makes one.</p></main></body></html>\n"
    )


_read = _in_a_page(for_clients("reports", _report, browser=True))

ROUTES = [
    route("/reports", GET=_to_the_index),
    route("/reports/{path:text}", GET=_read),
]
