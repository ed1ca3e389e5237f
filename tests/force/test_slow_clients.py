"""Whoever sends slowly, or takes no answers, takes nothing from others: real servers, raw
connections."""

import json
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from serving.http_times import TAKEN_SECONDS
from tests.force.test_overload import key_of
from tests.integration.small_border import client, make_ledger, promote, running, vehicle

PLACES = 8
SHARE = PLACES // 4
CONNECTIONS = 12


@pytest.mark.parametrize("path", ["/v1/scores", "/v1/scores/batch", "/v1/outcomes"])
def test_slow_bodies_of_one_client_leave_others_their_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    url = make_ledger(tmp_path)
    promote(tmp_path, url, 1)
    slow, modest = key_of(url, "slow"), key_of(url, "modest")
    monkeypatch.setenv("FORELAND_MOST_IN_FLIGHT", str(PLACES))
    with running(tmp_path) as server, bodies_on_their_way(server.url, path, slow) as connections:
        with client(server.url) as asking:
            asking.headers["Authorization"] = f"Bearer {modest}"
            found = [asking.post("/v1/scores", json=vehicle(at)).status_code for at in range(5)]
            batch = asking.post("/v1/scores/batch", json=[vehicle(5)])
        assert (found, batch.status_code) == ([200] * 5, 200)
        told = Counter(map(status_so_far, connections))
        assert told[""] == SHARE, "these are still waited for"
        assert told["429"] >= PLACES - SHARE
        assert told["429"] + told["503"] == CONNECTIONS - SHARE


def test_a_connection_without_a_whole_head_is_ended(tmp_path: Path) -> None:
    """No credential is needed to open one."""
    make_ledger(tmp_path)
    with running(tmp_path) as server:
        host, port = server.url.removeprefix("http://").split(":")
        for sent in (b"", b"POST /v1/scores HTTP/1.1\r\nHost: x\r\n"):
            with socket.create_connection((host, int(port)), timeout=10) as connection:
                connection.sendall(sent)
                assert connection.recv(1_000) == b""


@pytest.mark.slow
def test_an_answer_that_nobody_takes_is_kept_for_a_while(tmp_path: Path) -> None:
    """9 MB of it, on a connection that stays open and takes next to nothing."""
    make_ledger(tmp_path)
    body = json.dumps([vehicle(at) for at in range(10_000)])
    head = f"Host: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with running(tmp_path) as server, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.settimeout(60)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(f"POST /v1/scores/batch HTTP/1.1\r\n{head}{body}".encode())
        answer = connection.recv(1_000)
        assert answer.startswith(b"HTTP/1.1 200")
        time.sleep(TAKEN_SECONDS + 2)
        left = iter(
            partial(connection.recv, 1 << 16), b""
        )  # what the system had taken, and no more
        sent = int(answer.lower().partition(b"content-length: ")[2].split()[0])
        assert len(answer) + sum(map(len, left)) < sent


@contextmanager
def bodies_on_their_way(url: str, path: str, key: str) -> Iterator[list[socket.socket]]:
    """Of each the head and one byte were sent, some time ago."""
    host, port = url.removeprefix("http://").split(":")
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n["
    )
    with ExitStack() as opened:
        connections = [
            opened.enter_context(socket.create_connection((host, int(port)), timeout=10))
            for _ in range(CONNECTIONS)
        ]
        for connection in connections:
            connection.sendall(head.encode())
        time.sleep(1)  # a body that is prompt would be here, and none is given up yet
        yield connections


def status_so_far(connection: socket.socket) -> str:
    """Empty while there is no answer."""
    connection.setblocking(False)
    try:
        return connection.recv(1_000).split()[1].decode()
    except BlockingIOError:
        return ""
