"""Everything to one partner or subscriber, at least once: post what waits, note what became of it.

- Nobody answers, or refuses us (401, 403, 404, 429, 503): everything waits, for as long as it
  takes. The mark stands, nothing is given up, and the pause grows to ``LONGEST_PAUSE_SECONDS``.
- An event is refused for good, by its receipt: it becomes a dead letter, and the others go on.
- A whole body is refused (400, 413, 422): its events are posted one by one, and which is refused
  alone becomes a dead letter. After 500 the same, once it was tried ``MOST_TRIES`` times, and only
  if the partner takes another one meanwhile: one that fails on everything is not there.
"""

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from features.clock import now_micros
from features.ledger import Transaction
from features.signing import SigningKey
from serving.exchange import store
from serving.exchange.outbox import MOST_EVENTS, Batch, Outbox, Posted
from serving.exchange.outgoing import Teller
from serving.exchange.posting import TAKEN, Post, Said, Unable, Unreachable
from serving.writer import Work

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 300.0
IDLE_SECONDS = 1.0
"""Between looks for something to send."""
BETWEEN_BATCHES_SECONDS = 0.2
"""While a backlog is sent: signing a batch takes some 20 ms of the interpreter, and scores need
the rest."""
MOST_TRIES = 5
FAILED_ALONE = Said("refused", "status 500 for this event alone, and not for others")

Commit = Callable[[Work[None]], None]
"""Runs the work in one durable commit and returns once it is on disk."""


class Step(NamedTuple):
    """What one look at a partner came to."""

    wait_seconds: float
    sent: int = 0
    refused: int = 0
    problem: str | None = None


class Delivery:
    """To one partner; used by one thread at a time."""

    def __init__(
        self,
        teller: Teller,
        outbox: Outbox,
        post: Post,
        commit: Commit,
        *,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._teller = teller
        self._outbox = outbox
        self._post = post
        self._commit = commit
        self._jitter = jitter
        self._position: int | None = None
        self._failures = 0

    @property
    def partner(self) -> str:
        return self._teller.name

    def waiting(self) -> int:
        """Events of the ledger after the mark, whether or not they are for the partner."""
        return self._outbox.last_position() - self._mark()

    def step(self, key: SigningKey) -> Step:
        """Post one batch. Raises as the ledger does; what was posted is then posted again."""
        after = self._mark()
        if self._outbox.last_position() <= after:
            return Step(IDLE_SECONDS)
        batch = self._outbox.batch(self._teller, key, after)
        try:
            fates = self._posted(batch.events)
        except Unreachable as exc:
            return self._failed(str(exc))
        return self._settled(batch, fates)

    def retry(self, key: SigningKey) -> Step:
        """Post the dead letters once more, some at a time; those that are taken are none any
        longer."""
        letters = store.dead_letters(self._outbox.tables, self.partner)
        taken = 0
        for at in range(0, len(letters), MOST_EVENTS):
            try:
                taken += self._tried_again(key, letters[at : at + MOST_EVENTS])
            except Unreachable as exc:
                return Step(0.0, taken, problem=str(exc))
        return Step(0.0, taken, len(letters) - taken)

    def _tried_again(self, key: SigningKey, letters: Sequence[store.DeadLetter]) -> int:
        wanted = {letter.event_id for letter in letters}
        positions = sorted({letter.position for letter in letters})
        made = self._outbox.again(self._teller, key, positions)
        events = [one for one in made if one.event_id in wanted]
        fates = self._posted(events)
        taken = [one.event_id for one, fate in zip(events, fates, strict=True) if fate == TAKEN]
        self._commit(lambda to: store.remove_dead_letters(to, self.partner, taken))
        return len(taken)

    def _mark(self) -> int:
        if self._position is None:
            self._position = store.mark_of(self._outbox.tables, self.partner).position
        return self._position

    def _posted(self, events: Sequence[Posted]) -> list[Said]:
        """What became of each event.

        Raises:
            Unreachable: all of them wait.
        """
        if not events:
            return []
        try:
            return self._post(events)
        except Unable as exc:
            if not exc.for_good and self._failures + 1 < MOST_TRIES:
                raise Unreachable(str(exc)) from exc
        fates = [self._alone(event) for event in events]
        if not any(fate == TAKEN for fate in fates) and any(fate is None for fate in fates):
            raise Unreachable("it fails on everything that it is sent (status 500)")
        return [FAILED_ALONE if fate is None else fate for fate in fates]

    def _alone(self, event: Posted) -> Said | None:
        """None when the partner failed on it, which may be its fault or the partner's."""
        try:
            return self._post([event])[0]
        except Unable as exc:
            return Said("refused", str(exc)) if exc.for_good else None

    def _settled(self, batch: Batch, fates: Sequence[Said]) -> Step:
        """Nothing after the first event that waits is dealt with: its receipt may say the same of
        those behind it, and what the partner took of them it knows when it comes again."""
        now = now_micros()
        judged = list(zip(batch.events, fates, strict=True))
        waits = next((at for at, (_, fate) in enumerate(judged) if fate.fate == "waits"), None)
        done = judged if waits is None else judged[:waits]
        position = batch.position_up_to if waits is None else judged[waits][0].position - 1
        letters = [
            store.DeadLetter(self.partner, event.event_id, event.position, fate.reason, now)
            for event, fate in done
            if fate.fate == "refused"
        ]
        taken = len(done) - len(letters)

        def note(transaction: Transaction) -> None:
            store.add_dead_letters(transaction, letters)
            store.advance(transaction, self.partner, position, now if taken else None)

        self._commit(note)
        self._position = position
        if waits is not None:
            failed = self._failed(judged[waits][1].reason)
            return failed._replace(sent=taken, refused=len(letters))
        self._failures = 0
        pause = IDLE_SECONDS if batch.is_last else BETWEEN_BATCHES_SECONDS
        return Step(pause, taken, len(letters))

    def _failed(self, problem: str) -> Step:
        self._failures += 1
        self._commit(lambda to: store.note_failure(to, self.partner, problem, now_micros()))
        return Step(pause_seconds(self._failures, self._jitter()), problem=problem)


def pause_seconds(failures: int, jitter: float) -> float:
    """Twice as long after each failure, up to a bound, and half of it by chance: so that many who
    were cut off together do not come back together.

    Args:
        failures: in a row, from 1.
        jitter: in [0, 1).

    >>> [pause_seconds(failures, 0.0) for failures in (1, 2, 3, 30)]
    [0.5, 1.0, 2.0, 150.0]
    """
    longest: float = min(FIRST_PAUSE_SECONDS * 2 ** min(failures - 1, 20), LONGEST_PAUSE_SECONDS)
    return longest * (0.5 + jitter / 2)
