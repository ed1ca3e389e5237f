"""A link between two agencies that loses, repeats and reorders: HTTP through this process."""

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from typing import Any, Literal

import httpx

Mode = Literal["good", "cut", "bad"]
"""``bad``: events are shuffled; of three bodies one has its answer lost, one arrives twice."""
PATH = "/v1/exchange/events"


class Link:
    """Forwards to ``target``; what it does on the way is drawn by a seed."""

    def __init__(self, target: str, seed: int = 1) -> None:
        self.mode: Mode = "good"
        self.passed = self.lost = self.repeated = 0
        """Bodies."""
        self._target = target
        self._random = random.Random(seed)
        self._mishaps = cycle(("lost", "repeated", "none"))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}{PATH}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def forward(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes] | None:
        """The answer for the sender; None when the connection breaks instead."""
        if self.mode == "cut":
            return None
        events = json.loads(body)
        order = list(range(len(events)))
        if self.mode == "bad":
            self._random.shuffle(order)
        sent = json.dumps([events[at] for at in order]).encode()
        answer = self._post(sent, headers)
        if answer is None:
            return None
        mishap = next(self._mishaps) if self.mode == "bad" else "none"
        if mishap == "repeated":
            self.repeated += 1
            answer = self._post(sent, headers) or answer
        elif mishap == "lost":
            self.lost += 1
            return None
        status, content = answer
        self.passed += 1
        return status, _in_order(content, order) if status == 200 else content

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes] | None:
        try:
            answer = httpx.post(self._target + PATH, content=body, headers=headers, timeout=10)
        except httpx.HTTPError:
            return None
        return answer.status_code, answer.content


@contextmanager
def link_to(target: str, seed: int = 1) -> Iterator[Link]:
    link = Link(target, seed)
    try:
        yield link
    finally:
        link.close()


def _in_order(content: bytes, order: list[int]) -> bytes:
    """The receipts in the order in which the events came to the link."""
    answer: dict[str, Any] = json.loads(content)
    placed = dict(zip(order, answer["events"], strict=True))
    return json.dumps({**answer, "events": [placed[at] for at in sorted(placed)]}).encode()


def _handler_of(link: Link) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            names = ("Authorization", "Content-Type", "Date")
            headers = {name: self.headers[name] for name in names if name in self.headers}
            answer = link.forward(body, headers)
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer[0])
            self.send_header("Content-Length", str(len(answer[1])))
            self.end_headers()
            self.wfile.write(answer[1])

        def log_message(self, *_: object) -> None:
            pass

    return Handler
