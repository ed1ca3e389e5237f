"""How long a connection may take to send a head, and to take an answer.

uvicorn times only the pause between two requests. Without these limits whoever connects, with or
without a credential, holds a connection, and what is kept for it, as long as he likes.
"""

from asyncio import TimerHandle, Transport

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 5.0
"""Within which a head has to be here, from its first byte on, or from the connection on."""
MOST_OF_A_HEAD = 1 << 20
"""Bytes that may be kept of one that is not complete."""
TAKEN_SECONDS = 10.0
LEAST_TAKEN = 1 << 16
"""Bytes, or all that is left, that a client takes in that time of what waits for it."""


class TimedProtocol(HttpToolsProtocol):
    """uvicorn's protocol of one connection, which ends when one of the limits is passed."""

    _in_head = False
    _head_bytes = 0
    """Of one that is not complete, after what came with a body before it."""
    _head_due: TimerHandle | None = None
    _taken_due: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_due = self.loop.call_later(HEAD_SECONDS, self._without_head)

    def connection_lost(self, exc: Exception | None) -> None:
        self.head_came()
        self._stop_watching()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._wait_for_head(len(data))

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self.head_came()

    def head_came(self) -> None:
        self._in_head, self._head_bytes = False, 0
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def pause_writing(self) -> None:
        """More is to be sent than the client, and the system, have taken."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_watching()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._watch()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._watch()

    def _wait_for_head(self, received: int) -> None:
        if self._head_due is None:
            self._head_due = self.loop.call_later(HEAD_SECONDS, self._without_head)
            return
        self._head_bytes += received
        if self._head_bytes > MOST_OF_A_HEAD:
            self._without_head()

    def _without_head(self) -> None:
        """An answer that is being made to an earlier request is not cut off."""
        self._head_due = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
            self._watch()
        else:
            self._head_due = self.loop.call_later(HEAD_SECONDS, self._without_head)

    def _watch(self) -> None:
        """As long as anything waits to be taken; a connection that is closed waits for that too."""
        waiting = self.transport.get_write_buffer_size()
        if waiting and self._taken_due is None:
            self._taken_due = self.loop.call_later(TAKEN_SECONDS, self._taken_from, waiting)

    def _stop_watching(self) -> None:
        if self._taken_due is not None:
            self._taken_due.cancel()
            self._taken_due = None

    def _taken_from(self, waiting: int) -> None:
        self._taken_due = None
        left = self.transport.get_write_buffer_size()
        if left and waiting - left < LEAST_TAKEN:
            self.transport.abort()
        else:
            self._watch()
