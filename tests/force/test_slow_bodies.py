"""Whoever sends slowly takes no places from others: a real server, raw connections."""

import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

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
