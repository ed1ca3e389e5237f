"""A coroutine that is run at once, as far as it comes: most that could wait have no need to."""

from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Started(Generic[T]):
    """Runs it to its end or until it waits for something; whoever awaits this runs the rest.

    Around what has ended already nothing need be put, such as a timer.

    >>> async def three() -> int:
    ...     return 3
    >>> started = Started(three())
    >>> started.ended, started.result
    (True, 3)
    """

    result: T
    """Once it has ended."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._work = work
        self._waits_for: Any = None
        self.ended = False
        self._run(work.send, None)

    def __await__(self) -> Generator[Any, Any, T]:
        while not self.ended:
            try:
                sent = yield self._waits_for
            except BaseException as exc:
                self._run(self._work.throw, exc)
            else:
                self._run(self._work.send, sent)
        return self.result

    def _run(self, on: Callable[[Any], Any], said: Any) -> None:
        try:
            self._waits_for = on(said)
        except StopIteration as end:
            self.ended, self.result = True, end.value
