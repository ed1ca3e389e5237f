"""``/metrics`` on a port of its own, which only the monitoring of the machine can reach.

Every worker tries to take the port, one has it, and it answers for all of them. When that one
dies, another takes it.
"""

import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from features.settings import Settings

logger = logging.getLogger("foreland.serving")

_READ_SECONDS = 5


class MetricsPort:
    """Closed until ``try_to_open`` finds the port free; for good without an address."""

    def __init__(self, address: tuple[str, int] | None, exposition: Callable[[], bytes]) -> None:
        self._address = address
        self._exposition = exposition
        self._server: ThreadingHTTPServer | None = None

    def try_to_open(self) -> None:
        """Cheap, and called again and again: most often another worker has the port."""
        if self._server is not None or self._address is None:
            return
        try:
            self._server = ThreadingHTTPServer(self._address, _handler(self._exposition))
        except OSError:
            return
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()
        logger.warning("metrics on http://%s:%d/metrics", *self._server.server_address[:2])

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


def metrics_port(settings: Settings, exposition: Callable[[], bytes]) -> MetricsPort:
    address = None
    if settings.metrics_port is not None:
        address = (settings.metrics_host, settings.metrics_port)
    return MetricsPort(address, exposition)


def _handler(exposition: Callable[[], bytes]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _READ_SECONDS

        def do_GET(self) -> None:
            if self.path != "/metrics":
                self.send_error(404)
                return
            body = exposition()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: a scrape every few seconds is no news."""

    return Handler
