"""At least once, whatever the partner does: what waits, what is given up, what comes twice."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from features.ledger import Ledger, open_ledger
from serving.exchange import delivery as module
from serving.exchange import outbox as outbox_module
from serving.exchange import store
from serving.exchange.delivery import LONGEST_PAUSE_SECONDS, Delivery, pause_seconds
from serving.exchange.outbox import Outbox, Posted
from serving.exchange.outgoing import Sender
from serving.exchange.posting import TAKEN, Said, Unable, Unreachable, said
from serving.problems import RecordError
from serving.wire.exchange import EventReceipt
from serving.writer import Work
from tests.exchanges import KEY, partner_with
from tests.unit.test_exchange_outgoing import PARTNERSHIP_KEY, declared, put

Answer = Callable[[Sequence[Posted]], list[Said]]


class Partner:
    """What it was sent, in order, and how it answers."""

    def __init__(self) -> None:
        self.bodies: list[list[str]] = []
        self.answer: Answer = lambda events: [TAKEN] * len(events)

    def __call__(self, events: Sequence[Posted]) -> list[Said]:
        self.bodies.append([one.event_id for one in events])
        return self.answer(events)


class Way:
    """A delivery, its partner, and the ledger that it reads."""

    def __init__(self, ledger: Ledger, outbox: Outbox) -> None:
        self.ledger, self.outbox, self.partner = ledger, outbox, Partner()
        self.delivery = self.again()

    def again(self) -> Delivery:
        """As after a restart."""
        sender = Sender("border-force", partner_with(shares=("movements",)), PARTNERSHIP_KEY)

        def commit(work: Work[None]) -> None:
            with self.ledger.transaction() as transaction:
                work(transaction)

        return Delivery(sender, self.outbox, self.partner, commit, jitter=lambda: 0.0)

    def mark(self) -> store.Mark:
        return store.mark_of(self.outbox.tables, "nca")

    def letters(self) -> list[str]:
        return [letter.event_id for letter in store.dead_letters(self.outbox.tables)]


@pytest.fixture
def way(tmp_path: Path) -> Iterator[Way]:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with closing(open_ledger(url)) as ledger:
        with ledger.transaction() as transaction:
            store.prepare(transaction)
        put(ledger, *(declared(f"{number:032x}") for number in range(1, 4)))
        with Outbox(url) as outbox:
            yield Way(ledger, outbox)


NAMES = [f"{position}.movement.declared" for position in (1, 2, 3)]


def test_what_waits_is_posted_in_order_and_then_not_again(way: Way) -> None:
    step = way.delivery.step(KEY)
    assert (step.sent, step.refused, step.problem) == (3, 0, None)
    way.delivery.step(KEY)
    way.again().step(KEY)
    assert way.partner.bodies == [NAMES]
    assert (way.mark().position, way.mark().told_at is None) == (3, False)


def test_nothing_is_given_up_while_nobody_answers(way: Way) -> None:
    def nobody(_: Sequence[Posted]) -> list[Said]:
        raise Unreachable("ConnectError")

    way.partner.answer = nobody
    pauses = [way.delivery.step(KEY).wait_seconds for _ in range(12)]
    assert pauses[:4] == [0.5, 1.0, 2.0, 4.0]
    assert max(pauses) == LONGEST_PAUSE_SECONDS / 2, "bounded; the other half is chance"
    assert (way.mark().position, way.mark().problem) == (0, "ConnectError")
    since = way.mark().failing_since
    way.delivery.step(KEY)
    assert way.mark().failing_since == since, "since the first failure"
    way.partner.answer = lambda events: [TAKEN] * len(events)
    assert way.delivery.step(KEY).sent == 3
    assert way.mark().problem is None
    assert way.letters() == []


def test_a_crash_between_the_answer_and_the_mark_sends_it_once_more(way: Way) -> None:
    def crash(_: Work[None]) -> None:
        raise OSError("no space left on device")

    way.delivery._commit = crash
    with pytest.raises(OSError, match="no space"):
        way.delivery.step(KEY)
    way.again().step(KEY)
    assert way.partner.bodies == [NAMES, NAMES]


def test_an_event_that_is_refused_for_good_stops_no_other(way: Way) -> None:
    way.partner.answer = lambda _: [TAKEN, Said("refused", "bad_event: x"), TAKEN]
    step = way.delivery.step(KEY)
    assert (step.sent, step.refused) == (2, 1)
    assert way.letters() == [NAMES[1]]
    assert way.mark().position == 3


def test_from_an_event_that_waits_on_everything_is_sent_again(way: Way) -> None:
    """The key is not known there yet: a person has to do something, and nothing is lost."""
    way.partner.answer = lambda _: [TAKEN, *[Said("waits", "unknown_key: tell us")] * 2]
    step = way.delivery.step(KEY)
    assert (step.sent, step.problem) == (1, "unknown_key: tell us")
    assert way.mark().position == 1
    way.partner.answer = lambda events: [TAKEN] * len(events)
    way.delivery.step(KEY)
    assert way.partner.bodies == [NAMES, NAMES[1:]]
    assert way.letters() == []


def poison(name: str, *, for_good: bool) -> Answer:
    def answer(events: Sequence[Posted]) -> list[Said]:
        if name in [one.event_id for one in events]:
            raise Unable("status 413 body_too_large", for_good=for_good)
        return [TAKEN] * len(events)

    return answer


def test_a_body_that_is_refused_is_posted_one_by_one(way: Way) -> None:
    way.partner.answer = poison(NAMES[0], for_good=True)
    step = way.delivery.step(KEY)
    assert (step.sent, step.refused) == (2, 1)
    assert way.partner.bodies == [NAMES, *[[name] for name in NAMES]]
    assert way.letters() == [NAMES[0]]


def test_an_event_on_which_the_partner_fails_is_given_up_when_others_are_taken(way: Way) -> None:
    way.partner.answer = poison(NAMES[2], for_good=False)
    for _ in range(module.MOST_TRIES - 1):
        assert way.delivery.step(KEY).problem is not None
    step = way.delivery.step(KEY)
    assert (step.sent, step.refused, step.problem) == (2, 1, None)
    assert way.letters() == [NAMES[2]]


def test_a_partner_that_fails_on_everything_is_waited_for(way: Way) -> None:
    def broken(_: Sequence[Posted]) -> list[Said]:
        raise Unable("status 500", for_good=False)

    way.partner.answer = broken
    for _ in range(2 * module.MOST_TRIES):
        assert way.delivery.step(KEY).problem is not None
    assert way.letters() == []
    assert way.mark().position == 0


def test_dead_letters_are_made_again_from_the_ledger(way: Way) -> None:
    way.partner.answer = lambda events: [Said("refused", "bad_event: x")] * len(events)
    way.delivery.step(KEY)
    assert way.letters() == NAMES
    way.partner.answer = lambda _: [TAKEN, Said("refused", "bad_event: x"), TAKEN]
    step = way.delivery.retry(KEY)
    assert (step.sent, step.refused) == (2, 1)
    assert way.letters() == [NAMES[1]]


def test_many_dead_letters_are_tried_again_some_at_a_time(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    way.partner.answer = lambda events: [Said("refused", "bad_event: x")] * len(events)
    way.delivery.step(KEY)
    monkeypatch.setattr(module, "MOST_EVENTS", 2)

    def then_away(events: Sequence[Posted]) -> list[Said]:
        if len(events) < 2:
            raise Unreachable("ConnectError")
        return [TAKEN] * len(events)

    way.partner.answer = then_away
    step = way.delivery.retry(KEY)
    assert (step.sent, step.problem) == (2, "ConnectError")
    assert way.letters() == NAMES[2:]


def test_a_backlog_goes_out_in_bounded_batches(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "MOST_EVENTS", 2)
    first, second = way.delivery.step(KEY), way.delivery.step(KEY)
    assert way.partner.bodies == [NAMES[:2], NAMES[2:]]
    assert first.wait_seconds < second.wait_seconds == module.IDLE_SECONDS


def test_pauses_are_spread() -> None:
    assert pause_seconds(3, 0.0) == 2.0
    assert pause_seconds(3, 0.999) == pytest.approx(4.0, rel=1e-3)
    assert pause_seconds(10_000, 0.999) <= LONGEST_PAUSE_SECONDS


@pytest.mark.parametrize(
    ("code", "fate"),
    [
        ("unknown_key", "waits"),
        ("key_not_valid", "waits"),
        ("wrong_partnership", "waits"),
        ("bad_event", "refused"),
        ("event_conflict", "refused"),
        ("bad_signature", "refused"),
    ],
)
def test_what_a_receipt_means(code: str, fate: str) -> None:
    error = RecordError(code=code, pointer="/0", message="m")
    assert said(EventReceipt(id="1", status="rejected", errors=(error,))).fate == fate
