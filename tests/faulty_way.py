"""A way to a server over TCP that can be made slow, cut, or refused, and mended again."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

How = Literal["open", "slow", "cut", "refused", "garbled"]
_PIECE = 1 << 16


class FaultyWay:
    """Forwards connections on a port of its own to a Unix socket.

    ``how`` may be set at any time: ``slow`` delays each piece by ``delay_seconds``; ``cut`` lets
    nothing through for ever, with every connection left open, as a network does that swallows all;
    ``refused`` drops connections and takes no new ones; ``garbled`` turns answers into nonsense.
    """

    def __init__(self, target: Path) -> None:
        self.how: How = "open"
        self.delay_seconds = 0.0
        self._target = target
        self._connections: list[socket.socket] = []
        self._forwarding: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def drop_all(self) -> None:
        """Every connection that is there ends at once, on both sides."""
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self.drop_all()
        for thread in self._forwarding:
            thread.join()
        for connection in self._connections:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.how == "refused":
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._target))
            self._connections += [client, server]
            for pair in ((client, server), (server, client)):
                thread = threading.Thread(target=self._forward, args=pair, daemon=True)
                self._forwarding.append(thread)
                thread.start()

    def _forward(self, origin: socket.socket, target: socket.socket) -> None:
        answers = origin.family == socket.AF_UNIX
        swallowed = False
        with suppress(OSError):
            while piece := origin.recv(_PIECE):
                if self.how == "slow":
                    time.sleep(self.delay_seconds)
                swallowed = swallowed or self.how == "cut"
                if swallowed:
                    continue
                if self.how == "garbled" and answers:
                    piece = bytes(byte ^ 0x5A for byte in piece)
                target.sendall(piece)
        if not swallowed:
            with suppress(OSError):
                target.shutdown(socket.SHUT_RDWR)


@contextmanager
def faulty_way(target: Path) -> Iterator[FaultyWay]:
    way = FaultyWay(target)
    try:
        yield way
    finally:
        way.close()
