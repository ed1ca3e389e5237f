"""Proposing, approving and withdrawing selectors in either database: all that is named, or none."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from features.clock import MICROS_PER_DAY, iso, now_micros
from features.ledger import Ledger, SelectorProposed, open_ledger, open_tables
from features.pseudonyms import load_pseudonyms
from serving.audit.period import records_of
from serving.selectors import approve, draft, propose, withdraw
from serving.selectors.acts import MOST_AT_ONCE, Refusals
from serving.selectors.standing import standing
from tests.contract.test_audit import BACKENDS


@pytest.fixture(params=BACKENDS)
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    with closing(open_ledger(BACKENDS[request.param](request))) as opened:
        yield opened


def drafts(keys: Path, many: int) -> list[SelectorProposed]:
    now = now_micros()
    pseudonyms = load_pseudonyms(keys)
    return [
        draft(
            {
                "agency": "police",
                "criteria": [f"vehicle: AB{number} CDE"],
                "reason": "a watch",
                "handling": "open",
                "contact": "port desk",
                "expires": iso(now + 30 * MICROS_PER_DAY),
            },
            pseudonyms,
            by="Ada",
            now=now,
        )
        for number in range(many)
    ]


def states(ledger: Ledger) -> list[str]:
    return [one.state for one in standing(ledger, now_micros() + 1)]


def test_an_act_is_whole_or_nothing(ledger: Ledger, tmp_path: Path) -> None:
    first, second, third = propose(ledger, drafts(tmp_path / "keys", 3), "Ada")
    assert states(ledger) == ["proposed"] * 3
    with pytest.raises(Refusals) as refused:
        approve(ledger, [first, "0" * 20, second, "1" * 20], "Ben")
    assert len(refused.value.lines) == 2
    assert states(ledger) == ["proposed"] * 3, "none of the others either"
    approve(ledger, [first, second], "Ben")
    withdraw(ledger, [second, third], "Ada", "a mistake")
    assert states(ledger) == ["live", "withdrawn", "withdrawn"]
    with closing(open_tables(ledger.url)) as tables:
        notes = [record.entry for record in records_of(tables, "selectors")]
    said = [(getattr(note, "act", ""), getattr(note, "selectors", 0)) for note in notes]
    assert said == [("proposed", 3), ("approved", 2), ("withdrawn", 2)]
    events = list(ledger.read_source("intelligence"))
    assert [(getattr(n, "first_position", 0), getattr(n, "last_position", 0)) for n in notes] == [
        (events[0].position, events[2].position),
        (events[3].position, events[4].position),
        (events[5].position, events[6].position),
    ]


def test_a_list_that_is_too_long_is_refused(ledger: Ledger) -> None:
    with pytest.raises(Exception, match="one command takes 1 to 2,000 selectors"):
        approve(ledger, ["0" * 20] * (MOST_AT_ONCE + 1), "Ben")
