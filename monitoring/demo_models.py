"""The models of the demo, each trained and promoted in a process of its own, all at the same time.

None depends on another, and a training keeps one core busy (``training.fit.THREADS``).
"""

import signal
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple, Self

from features.errors import ForelandError
from features.ledger import GateResult
from features.settings import Settings

APPROVERS = ("first demo approver", "second demo approver")
WHY_ACKNOWLEDGED = "a demonstration on few finds; nobody relies on what it says"
"""Of gates that fail, which the demo names as it goes on."""


class Order(NamedTuple):
    settings: Settings
    kind: str
    config: Path | None
    until: str
    """The day before which all was known that is learned from."""


class Trained(NamedTuple):
    version: int
    verdict: str


class Promoted(NamedTuple):
    gates: tuple[GateResult, ...]
    sentence: str


class InTheMaking:
    """A model that is made in another process, which ends with the context.

    Raises:
        ForelandError: by ``trained`` and ``promoted``, what went wrong there.
    """

    def __init__(self, order: Order) -> None:
        spawning = get_context("spawn")  # a fork takes locks along whose owners it does not have
        self._heard, self._saying = spawning.Pipe(duplex=False)
        self._process = spawning.Process(target=_make, args=(order, self._saying))

    def __enter__(self) -> Self:
        heeded = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self._process.start()  # a Ctrl-C is for who waits for it, and ends it
        finally:
            signal.signal(signal.SIGINT, heeded)
        self._saying.close()  # the process holds the only other, so that its end is heard
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    def trained(self) -> Trained:
        """Waits until it is."""
        said = self._next()
        assert isinstance(said, Trained)
        return said

    def promoted(self) -> Promoted:
        """Waits until it is, after ``trained``."""
        said = self._next()
        assert isinstance(said, Promoted)
        return said

    def _next(self) -> object:
        try:
            said = self._heard.recv()
        except EOFError as exc:
            raise ForelandError(
                "a process that made a model ended before it was done; unless it said why, the "
                "machine may have too little memory: free some, and run the demo again"
            ) from exc
        if isinstance(said, str):
            raise ForelandError(said)
        return said


def _make(order: Order, saying: Connection) -> None:
    from training.gates import GATES
    from training.promote import promote
    from training.run import train

    settings, kind, config, until = order
    try:
        result = train(settings, kind, config=config, until=until)
        saying.send(Trained(result.version, result.verdict))
        gates = None
        for approver in APPROVERS:
            promoted = promote(
                settings,
                kind,
                result.version,
                approver,
                acknowledge=dict.fromkeys(GATES, WHY_ACKNOWLEDGED),
                asked=gates,
            )
            gates = promoted.gates
        saying.send(Promoted(promoted.gates, promoted.sentence))
    except (ForelandError, OSError) as exc:  # OSError: such as a full disk
        saying.send(str(exc))
