"""A mail server for tests: takes one message a connection, or refuses them all."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


class _Smtp(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs to send."""

    refuse: ClassVar[bool]
    messages: ClassVar[list[bytes]]

    def handle(self) -> None:
        self._say("220 test")
        while line := self.rfile.readline():
            verb = line.split()[0].upper() if line.split() else b""
            if verb == b"DATA":
                self._say("354 go on")
                self._take()
            elif verb == b"QUIT":
                self._say("221 bye")
                return
            elif verb == b"RCPT" and self.refuse:
                self._say("550 nobody here")
            else:
                self._say("250 test")

    def _take(self) -> None:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        self.messages.append(b"".join(lines))
        self._say("250 taken")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail_server(*, refuse: bool = False) -> Iterator[tuple[str, list[bytes]]]:
    """Its address, and the messages that it took."""
    messages: list[bytes] = []
    handler = type("Handler", (_Smtp,), {"refuse": refuse, "messages": messages})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"smtp://127.0.0.1:{server.server_address[1]}", messages
        finally:
            server.shutdown()
            thread.join()
