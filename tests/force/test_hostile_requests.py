"""Hundreds of hostile requests: each is refused as it should be, and the next honest one is scored.

Never a 500, never a worker that dies, never a fault of ours in the log.
"""

import json
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from typing import NamedTuple

from serving.problems import MEDIA_TYPE, PROBLEMS
from tests.force import hostile_bodies, hostile_requests
from tests.force.conftest import Served
from tests.force.hostile import Hostile, framed
from tests.integration.small_border import as_json, client, vehicle

AT_ONCE = 12
PATIENCE_SECONDS = 1.0
"""For what waits for more of the request; below BentoML's own."""


class Answered(NamedTuple):
    status: int
    """0 for none."""
    head: bytes
    body: bytes

    @property
    def code(self) -> str:
        """Empty when it is no problem document."""
        if MEDIA_TYPE.encode() not in self.head:
            return ""
        code: str = json.loads(self.body)["code"]
        return code


def send(port: int, sent: bytes) -> Answered:
    """Everything that comes back on a connection of its own."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        try:
            connection.sendall(sent)
            while received := connection.recv(1 << 16):
                got += received
        except OSError:  # it hung up, or waits
            pass
    head, _, body = got.partition(b"\r\n\r\n")
    return Answered(int(head[9:12] or 0), head, body)


def wrongs(port: int, hostile: Hostile) -> list[str]:
    """What was not as it should be, about this request and the honest one after it."""
    found = []
    answered = send(port, hostile.sent)
    if answered.code not in hostile.codes and answered.status not in hostile.statuses:
        found.append(f"{hostile.name}: {answered.status} {answered.code} {answered.body[:200]!r}")
    if answered.code and answered.status != PROBLEMS[answered.code].status:
        found.append(f"{hostile.name}: {answered.code} with status {answered.status}")
    honest = framed("/v1/scores", json.dumps(vehicle(abs(hash(hostile.sent)) % 10**9)).encode())
    if send(port, honest).status != HTTPStatus.OK:
        found.append(f"after {hostile.name}: an honest request was not scored")
    return found


def attack(served: Served, every: Iterable[Hostile]) -> list[str]:
    workers = served.server.workers()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = [
            wrong
            for wrongs_of_one in pool.map(partial(wrongs, served.server.port), every)
            for wrong in wrongs_of_one
        ]
    if served.server.workers() != workers:
        found.append("a worker died")
    return found


def test_there_are_over_three_hundred_and_each_is_another() -> None:
    every = [*hostile_bodies.bodies(), *hostile_requests.requests()]
    assert len({hostile.sent for hostile in every}) == len(every) >= 400
    assert {code for hostile in every for code in hostile.codes} >= {
        "bad_json",
        "bad_query",
        "body_too_large",
        "duplicate_key",
        "method_not_allowed",
        "no_such_route",
        "no_such_score",
        "not_utf8",
        "record_rejected",
        "too_deep",
        "unsupported_media_type",
    }


def test_hostile_bodies_are_refused_with_their_code(served: Served) -> None:
    assert attack(served, hostile_bodies.bodies()) == []


def test_hostile_heads_and_bytes_are_refused(served: Served) -> None:
    assert attack(served, hostile_requests.requests()) == []


def test_no_fault_was_logged(served: Served) -> None:
    """Of ours; the server underneath logs an answer that it could not send. After the attacks."""
    assert "while answering a request" not in served.server.log.read_text()
    with client(served.server.url) as asking:
        assert 'code="internal_error"' not in asking.get("/metrics").text
        assert as_json(asking.get("/readyz"))["ready"]
