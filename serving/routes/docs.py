"""``/docs``: the description of the API as a page to read and to try, from this machine alone.

Swagger UI comes with BentoML's package; nothing is fetched from elsewhere, and the page's policy
forbids it.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from serving.problems import RequestRefused
from serving.routes.shell import no_query, route

_PAGE = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Foreland: the scoring API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="data:,">
</head>
<body>
<noscript>Without JavaScript, <a href="/openapi.json">openapi.json</a> says the same.</noscript>
<main id="api"></main>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = b"""window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
  tryItOutEnabled: true,
  persistAuthorization: false,
  displayRequestDuration: true,
});
"""
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # Swagger UI sets styles of its own
        "img-src 'self' data:",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
_TYPES = {".css": "text/css", ".js": "text/javascript"}
_FILES = ("swagger-ui.css", "swagger-ui-bundle.js")


async def _docs(request: Request) -> Response:
    no_query(request)
    return _sent(_PAGE, "text/html; charset=utf-8")


async def _asset(request: Request) -> Response:
    no_query(request)
    name = request.path_params["name"]
    if name == "start.js":
        return _sent(_START, _TYPES[".js"])
    if name not in _FILES:
        raise RequestRefused("no_such_route", "nothing is here; /docs is the page")
    return _sent(_file(name), _TYPES[Path(name).suffix])


@cache
def _file(name: str) -> bytes:
    spec = find_spec("bentoml")  # found, not imported: only serving.service does that
    places = [] if spec is None else spec.submodule_search_locations or []
    for place in places:
        path = Path(place) / "_internal" / "server" / "static_content" / name
        if path.is_file():
            return path.read_bytes()
    raise RequestRefused(
        "no_such_route", "Swagger UI is not where BentoML keeps it; read /openapi.json instead"
    )


def _sent(body: bytes, media_type: str) -> Response:
    headers = {
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    }
    return Response(body, media_type=media_type, headers=headers)


ROUTES = [
    route("/docs", GET=_docs),
    route("/docs/{name}", GET=_asset),
]
