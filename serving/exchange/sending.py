"""Sending beside the answering: in one worker, a thread for each partner, so that none waits for
another and no score waits for any.

The worker that holds the lock of the home sends. Replicas with homes of their own may both send;
what comes twice is a duplicate to whom it comes.
"""

import asyncio
import logging
import threading
from contextlib import ExitStack, suppress
from functools import partial

from features.clock import now_micros
from features.errors import ForelandError
from features.keys import load_partnership_keys
from features.ledger import LedgerBusy
from features.ledger.locks import exclusive
from features.settings import Settings
from serving import logs, writer
from serving.exchange import store
from serving.exchange.delivery import Commit, Delivery, Step, pause_seconds
from serving.exchange.keys import exchange_key
from serving.exchange.outbox import Outbox
from serving.exchange.outgoing import Notifier, Sender, Teller
from serving.exchange.partners import Partner, PartnerFile, Partners, Recipient, Subscriber
from serving.exchange.posting import PartnerPost, credential_of
from serving.metrics import ExchangeWork
from serving.recording import Recorder

logger = logging.getLogger("foreland.serving")

LOCK = "exchange.lock"
SECONDS = 1.0
"""Between looks at who the partners are."""
COMMIT_SECONDS = 10.0
STOP_SECONDS = 2.0


def teller_of(settings: Settings, partners: Partners, recipient: Recipient) -> Teller:
    """Raises as ``sender_of``."""
    if isinstance(recipient, Subscriber):
        return Notifier(partners.agency, recipient)
    return sender_of(settings, partners, recipient)


def post_of(settings: Settings, recipient: Recipient) -> PartnerPost:
    """Partners answer with receipts, subscribers need not."""
    credential = partial(credential_of, settings.keys, recipient.name)
    return PartnerPost(str(recipient.url), credential, receipts=isinstance(recipient, Partner))


def sender_of(settings: Settings, partners: Partners, partner: Partner) -> Sender:
    """
    Raises:
        ForelandError: the key of the partnership is absent or cannot be used.
    """
    key = load_partnership_keys(settings.keys).get(partner.partnership)
    if key is None:
        raise ForelandError(
            f"there is no key of the partnership {partner.partnership}, under which {partner.name} "
            "is told of identifiers; `foreland exchange partnership` makes or imports it"
        )
    return Sender(partners.agency, partner, key)


class SendingThread:
    """All that is sent to one partner or subscriber, until ``stop``."""

    def __init__(
        self, settings: Settings, partners: Partners, recipient: Recipient, commit: Commit
    ) -> None:
        self.recipient = recipient
        self.partners = partners
        self.taken = self.refused = self.waiting = 0
        self.problem: str | None = None
        """Why nothing is taken at present; the whole of it is in ``foreland exchange status``."""
        self._settings = settings
        self._commit = commit
        self._stop = threading.Event()
        self._failures = 0
        self._thread = threading.Thread(
            target=self._run, name=f"exchange-{recipient.name}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def join(self) -> None:
        """It may be waiting for an answer; what it does afterwards is not recorded any more."""
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._deliver()
            except Exception as exc:  # nothing may end it but stop
                self._note(exc)
            self._stop.wait(pause_seconds(self._failures, 0.5))

    def _deliver(self) -> None:
        """Until something breaks; what breaks may need a new connection."""
        with ExitStack() as opened:
            outbox = opened.enter_context(Outbox(self._settings.ledger))
            post = post_of(self._settings, self.recipient)
            opened.callback(post.close)
            teller = teller_of(self._settings, self.partners, self.recipient)
            delivery = Delivery(teller, outbox, post, self._committed)
            pause = 0.0
            while not self._stop.wait(pause):
                step = delivery.step(exchange_key(self._settings))
                self._count(step)
                self.waiting = delivery.waiting()
                pause = step.wait_seconds

    def _committed(self, work: writer.Work[None]) -> None:
        if not self._stop.is_set():
            self._commit(work)

    def _count(self, step: Step) -> None:
        self.taken += step.sent
        self.refused += step.refused
        self._failures = 0
        if step.problem is not None and self.problem is None:
            logger.warning("exchange_waits", extra={"fields": {"partner": self.recipient.name}})
        self.problem = step.problem

    def _note(self, exc: Exception) -> None:
        self._failures += 1
        if isinstance(exc, ForelandError):
            said = str(exc)
        else:
            said = type(exc).__name__
            logger.error("exchange_failed", extra={"fields": logs.without_values(exc)})
        self.problem = said
        with suppress(Exception):  # when nothing can be recorded, the log has to do
            now = now_micros()
            self._committed(lambda to: store.note_failure(to, self.recipient.name, said, now))


class Sending:
    """Keeps one thread for each partner with an address, and each subscriber. Belongs to the event
    loop."""

    def __init__(self, settings: Settings, partners: PartnerFile, recorder: Recorder) -> None:
        self._settings = settings
        self._partners = partners
        self._recorder = recorder
        self._threads: dict[str, SendingThread] = {}
        self._gone = ExchangeWork()
        self._lock = ExitStack()
        self._is_ours = False

    async def keep(self) -> None:
        """Runs beside the answering until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                self._tick(self._commit_on(loop))
            except Exception:  # the next look may find it mended
                logger.exception("looking for partners failed")
            await asyncio.sleep(SECONDS)

    def work(self) -> ExchangeWork:
        threads = self._threads.values()
        return ExchangeWork(
            self._gone.taken + sum(one.taken for one in threads),
            self._gone.refused + sum(one.refused for one in threads),
            sum(one.problem is not None for one in threads),
            max((one.waiting for one in threads), default=0),
        )

    def close(self) -> None:
        for thread in self._threads.values():
            thread.stop()
        for thread in self._threads.values():
            thread.join()
        self._lock.close()

    def _tick(self, commit: Commit) -> None:
        partners = self._partners.now()
        wanted: dict[str, Recipient] = {one.name: one for one in partners.subscribers}
        wanted |= {one.name: one for one in partners.partners if one.url and one.shares}
        if wanted and not self._is_ours:
            self._is_ours = self._locked()
        for name, thread in list(self._threads.items()):
            if wanted.get(name) != thread.recipient or thread.partners.agency != partners.agency:
                thread.stop()
                del self._threads[name]
                gone = self._gone
                self._gone = gone._replace(
                    taken=gone.taken + thread.taken, refused=gone.refused + thread.refused
                )
        if self._is_ours:
            for name in wanted.keys() - self._threads.keys():
                self._threads[name] = SendingThread(self._settings, partners, wanted[name], commit)

    def _locked(self) -> bool:
        try:
            self._lock.enter_context(exclusive(self._settings.home / LOCK, "another sends"))
        except LedgerBusy:
            return False
        return True

    def _commit_on(self, loop: asyncio.AbstractEventLoop) -> Commit:
        """From another thread, by this worker's own writer: after a commit that failed, nothing
        more is recorded by any of it."""

        def commit(work: writer.Work[None]) -> None:
            done = asyncio.run_coroutine_threadsafe(self._recorder.done(work), loop)
            done.result(COMMIT_SECONDS)

        return commit
