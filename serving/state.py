"""What one worker holds, opened in an order in which each part can rely on those before it.

One ``ServingState`` belongs to one event loop. Computing an answer reads history and bundles on
that loop; only the commit happens elsewhere (``serving.writer``).
"""

from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial

from features.clock import now_micros
from features.draw_keys import draw_secret
from features.history.resuming import Lag, resume
from features.ledger import open_ledger
from features.records import KINDS
from features.rotation import pseudonyms_of
from features.settings import Settings
from models.policies import AtBands
from models.trust import trusted_keys
from serving import audit, idempotency, reassessing
from serving.answers import served_model
from serving.archive import Archive
from serving.assessing import Assessor
from serving.audit.keeper import HeadKeeper
from serving.auth.gate import open_gate
from serving.batch_scoring import BatchScoring
from serving.committing import AnswerCommit
from serving.exchange import store
from serving.exchange.worker import Exchange
from serving.happenings import Happenings
from serving.knowledge import Knowledge
from serving.load import Arriving, Places, Quotas
from serving.metrics import Work
from serving.neighbourhoods import Neighbourhoods
from serving.pace import Pace
from serving.pinned import PinnedBundles
from serving.problems import RequestRefused
from serving.published import Published
from serving.reassessing import Reassessing, ReassessmentCommit
from serving.recording import Recorder
from serving.scoring import Scoring
from serving.selection import Referrals
from serving.shadow import Shadow
from serving.slices import Slices
from serving.snapshots import SnapshotKeeper
from serving.suspension import SuspensionCheck
from serving.wire import ModelsAnswer, Readiness

SLOW_SHARE = 4
"""Of the places, one in so many may be taken by slow bodies of one client."""


class ServingState:
    """Opened once per worker, in the worker; ``close`` commits what is waiting.

    Args:
        refused: hears the reason of every credential that is refused.
        shadow_failed: hears kind and reason whenever a challenger says nothing.
        rule_failed: hears the kind of every movement on which a rule failed, once a rule.
    """

    def __init__(
        self,
        settings: Settings,
        refused: Callable[[str], None] = lambda _: None,
        shadow_failed: Callable[[str, str], None] = lambda *_: None,
        rule_failed: Callable[[str], None] = lambda _: None,
    ) -> None:
        with ExitStack() as opened:
            self._ledger = open_ledger(settings.ledger, create=False, impatient=True)
            opened.callback(self._ledger.close)
            opened.enter_context(self._ledger.in_service())
            _make_tables(settings.ledger)
            self.settings = settings
            self.places = Places(settings.most_in_flight)
            self.arriving = Arriving(max(1, settings.most_in_flight // SLOW_SHARE))
            self.pace = Pace(settings.scores_per_second)
            self.quotas = Quotas(settings.requests_per_second, settings.burst_seconds)
            self.gate = open_gate(self._ledger, settings, refused)
            opened.callback(self.gate.close)
            pseudonyms = pseudonyms_of(self._ledger, settings.keys)
            self._history, resumed_at, _ = resume(settings.history, self._ledger)
            self._snapshots = SnapshotKeeper(settings, resumed_at)
            if not resumed_at:  # all of the ledger was replayed: not again at the next start
                self._snapshots.keep_now(self._history, self._ledger)
            trusted = partial(trusted_keys, settings)
            self.bundles = PinnedBundles(settings.pins, trusted, shadow_failed)
            self.bundles.load_changed()
            self.knowledge = Knowledge(
                self._ledger, self._history, self.bundles, rule_failed=rule_failed
            )
            opened.callback(self.knowledge.close)
            opened.callback(self._keep_for_the_next_start)
            self._recorder = Recorder(self._ledger, self.knowledge.committed)
            self.heads = HeadKeeper(settings, self._ledger, self._recorder)
            opened.callback(self.heads.close)  # after the writer: over all that it has written
            opened.callback(self._recorder.close)
            self.published = Published(settings.reports, self._recorder)
            self.archive = Archive(settings.ledger, pseudonyms, self._recorder)
            opened.callback(self.archive.close)
            self.neighbourhoods = Neighbourhoods(settings, pseudonyms, self._recorder)
            opened.callback(self.neighbourhoods.close)
            referrals = Referrals(draw_secret(settings.keys), AtBands(settings.exploration_share))
            shadow = Shadow(shadow_failed)
            assessor = Assessor(referrals, shadow)
            commit = AnswerCommit(self._recorder.stream, SuspensionCheck(self._ledger), assessor)
            slices = self._slices = Slices(
                self.knowledge, self._recorder, assessor, shadow, commit, self.archive
            )
            self.scoring = Scoring(pseudonyms, self.archive, slices)
            self.batches = BatchScoring(pseudonyms, self.archive, slices)
            self.reassessing = Reassessing(
                settings,
                self._ledger,
                self.knowledge,
                slices,
                self._recorder,
                ReassessmentCommit(self._recorder.stream, commit),
            )
            opened.callback(self.reassessing.close)
            self.happenings = Happenings(pseudonyms, self._recorder, self.archive)
            self.exchange = Exchange(settings, self._recorder)
            opened.callback(self.exchange.close)  # before the writer: it records what was sent
            self._opened = opened.pop_all()

    def close(self) -> None:
        self._opened.close()

    async def tend(self) -> Lag:
        """Called about once a second: an idle worker stays current, and its snapshot too."""
        await self.knowledge.follow()
        self._snapshots.tick(self._history.position)
        self.neighbourhoods.tick(self._history.position)
        return self.knowledge.lag()

    def work(self) -> Work:
        """What the worker has to do, and has done."""
        return Work(
            self._recorder.commits,
            self._recorder.waiting,
            self.places.taken,
            {
                kind: 0 if served.bundle is None else served.bundle.version
                for kind in KINDS
                for served in [self.bundles.of(kind)]
            },
            dict(self._slices.met),
            dict(self.reassessing.done),
        )

    def suspended(self) -> dict[str, bool]:
        """Of every kind, whether no model may speak about it."""
        return {kind: self.knowledge.suspended(kind) is not None for kind in KINDS}

    def _keep_for_the_next_start(self) -> None:
        self._snapshots.close()
        self.knowledge.follow_now()
        self._snapshots.keep_now(self._history, self._ledger)

    async def served(self) -> ModelsAnswer:
        await self.knowledge.follow()
        lag = self.knowledge.lag()
        return ModelsAnswer(
            models=tuple(
                served_model(
                    kind,
                    self.bundles.of(kind),
                    self._history.newest_available_at(kind),
                    self.knowledge.suspended(kind),
                )
                for kind in KINDS
            ),
            history_position=lag.position,
            ledger_position=lag.last_position,
            history_lag_seconds=lag.seconds,
        )

    async def readiness(self) -> Readiness:
        """
        Raises:
            RequestRefused: ``not_ready`` when no answer could be recorded.
        """
        if self._recorder.failure is not None:
            raise RequestRefused("not_ready", self._recorder.failure)
        await self.knowledge.follow()
        now = now_micros()
        per_kind = [problem for kind in KINDS for problem in self.knowledge.problems_of(kind, now)]
        lag = self.knowledge.lag()
        return Readiness(
            ready=True,
            problems=(
                *self.knowledge.general_problems(),
                *per_kind,
                *self.gate.problems(),
                *self.heads.problems(),
                *self.reassessing.problems(),
                *self.exchange.problems(),
            ),
            history_position=lag.position,
            ledger_position=lag.last_position,
            history_lag_seconds=lag.seconds,
        )


def _make_tables(ledger_url: str) -> None:
    """However long it takes: those of an older version are brought up to date."""
    with (
        closing(open_ledger(ledger_url, create=False)) as ledger,
        ledger.transaction() as transaction,
    ):
        audit.prepare(transaction)
        idempotency.prepare(transaction)
        reassessing.prepare(transaction)
        store.prepare(transaction)
