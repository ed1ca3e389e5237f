"""Who is tied with whom, read for clients: in a thread of its own, with an end to patience.

Nothing here is in the way of a score. The file of links follows the ledger when it is read; what
is too much for that, such as all of a ledger, another process reads.
"""

import asyncio
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple, TypeVar

from features.clock import Micros
from features.ledger import LedgerError, MovementDeclared, Transaction, open_ledger
from features.neighbourhood.following import BATCH, follow, open_ties
from features.neighbourhood.naming import BadEntityKey, entity_of
from features.neighbourhood.spans import ends_of
from features.neighbourhood.ties_file import TiesFile, TiesUnreadable
from features.neighbourhood.walk import Neighbourhood, neighbourhood
from features.pseudonyms import Pseudonyms
from features.settings import Settings
from serving.audit import LinksRead
from serving.auth.access import Client
from serving.neighbourhood_picture import drawn_elsewhere
from serving.problems import RequestRefused
from serving.recording import Recorder

logger = logging.getLogger("foreland.serving")

PATIENCE_SECONDS = 3.0
READING_SECONDS = 1.0
"""After which an answer holds what was found, and says so."""
EVENTS_AT_ONCE = 2 * BATCH
"""Read while a client waits; another process reads more."""
EVENTS_BEHIND = 20_000
"""From which on another process reads them before anybody asks."""
ON_A_PAGE = 56
"""Entities beside those that the movement names: as many as a picture has room for."""
COMMAND = (sys.executable, "-m", "features.neighbourhood.following")

T = TypeVar("T")


class Asked(NamedTuple):
    """A question of a client, checked."""

    entity: str
    """As the client wrote it: never logged, never kept."""
    as_of: Micros
    depth: int
    most_entities: int


class Around(NamedTuple):
    """What an assessment's page shows of links."""

    named: tuple[str, ...]
    """What the movement names: the organisation whose links it makes, then what it is linked by."""
    neighbourhood: Neighbourhood
    picture: str | None
    """None when there is nothing to draw, or it could not be drawn."""


class Neighbourhoods:
    """Belongs to one event loop."""

    def __init__(self, settings: Settings, pseudonyms: Pseudonyms, recorder: Recorder) -> None:
        self._directory = settings.ties
        self._pseudonyms = pseudonyms
        self._recorder = recorder
        self._ledger = open_ledger(settings.ledger, create=False, impatient=True)
        self._ties: TiesFile | None = None
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="links")
        self._environment = os.environ | {
            "FORELAND_HOME": str(settings.home),
            "FORELAND_LEDGER_URL": settings.ledger,
        }
        self._followed = 0
        self._process: subprocess.Popen[bytes] | None = None

    def close(self) -> None:
        self._reader.shutdown(wait=True, cancel_futures=True)
        if self._process is not None:
            self._process.kill()  # each commit of it is whole
            self._process.wait()
        if self._ties is not None:
            self._ties.close()
        self._ledger.close()

    def tick(self, position: int) -> None:
        """Called about once a second, with the position of the ledger that history has heard."""
        if position - self._followed >= EVENTS_BEHIND:
            self._followed = position
            self._follow_elsewhere()

    async def around(self, asked: Asked, client: Client) -> tuple[str, Neighbourhood]:
        """The pseudonym of the entity, and its neighbourhood; that it was shown is recorded.

        Raises:
            RequestRefused: ``bad_entity_key``, ``no_such_entity``, ``links_behind``,
                ``ledger_unreadable``, or as ``Recorder.done``.
        """
        try:
            key = entity_of(asked.entity, self._pseudonyms)
        except BadEntityKey as exc:
            raise RequestRefused("bad_entity_key", str(exc)) from exc
        found = await self._ask(lambda: self._find([key], asked, unless_unknown=True))
        note = LinksRead(
            entity=key,
            as_of=asked.as_of,
            depth=asked.depth,
            entities=len(found.neighbours),
            client=client.name,
            agency=client.agency,
        )

        def add(transaction: Transaction) -> None:
            self._recorder.stream.note(transaction, note)

        await self._recorder.done(add)
        return key, found

    async def of_assessment(self, declared_at: int, as_of: Micros) -> Around | None:
        """Of what the movement names, as of the score's instant; None when it names nothing that
        is linked, or is erased.

        Args:
            declared_at: position of the event that declared the movement.
            as_of: of the score.

        Raises:
            RequestRefused: ``links_behind`` or ``ledger_unreadable``.
        """

        def find() -> tuple[tuple[str, ...], Neighbourhood] | None:
            event = next(islice(self._ledger.tail(declared_at - 1), 1), None)
            if event is None or not isinstance(event.payload, MovementDeclared):
                return None
            named = tuple(key for key in ends_of(event.payload) if key is not None)
            asked = Asked("", as_of, 1, ON_A_PAGE)
            return (named, self._find(named, asked)) if named else None

        found = await self._ask(find)
        if found is None:
            return None
        named, around = found
        picture = await asyncio.to_thread(drawn_elsewhere, around) if around.links else None
        return Around(named, around, picture)

    def _find(
        self, keys: Sequence[str], asked: Asked, *, unless_unknown: bool = False
    ) -> Neighbourhood:
        ties = self._followed_file()
        if unless_unknown and ties.number(keys[0]) is None:
            raise RequestRefused("no_such_entity", "no movement has named this entity; check it")
        return neighbourhood(
            ties,
            keys,
            asked.as_of,
            depth=asked.depth,
            most_entities=asked.most_entities,
            stop_at=time.monotonic() + READING_SECONDS,
        )

    def _followed_file(self) -> TiesFile:
        """Neither backfill nor erasure comes while a service runs: the epoch stays."""
        if self._ties is None:
            self._ties = open_ties(self._directory, self._ledger)
        if not follow(self._ties, self._ledger, EVENTS_AT_ONCE):
            self._follow_elsewhere()
            raise RequestRefused(
                "links_behind",
                "links are still being read from the ledger; send the same request again",
                headers={"Retry-After": "10"},
            )
        return self._ties

    def _follow_elsewhere(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        try:
            self._process = subprocess.Popen(COMMAND, env=self._environment)
        except OSError as exc:
            logger.warning("links stay behind: their process cannot be started (%s)", exc)

    async def _ask(self, find: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await loop.run_in_executor(self._reader, find)
        except (LedgerError, TiesUnreadable, TimeoutError) as exc:
            if isinstance(exc, TiesUnreadable):
                logger.warning("%s", exc)
            raise RequestRefused(
                "ledger_unreadable",
                "what is recorded cannot be read at present; send the same request again",
                headers={"Retry-After": "1"},
            ) from exc
