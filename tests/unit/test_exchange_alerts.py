"""Selectors as alerts to partners: which are told, what of them, and what meets them there."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.clock import from_micros, now_micros
from features.keys import make_partnership_key
from features.ledger import (
    Event,
    Ledger,
    MovementDeclared,
    SelectorApproved,
    SelectorProposed,
    SelectorWithdrawn,
    open_ledger,
)
from features.pseudonyms import Pseudonyms, load_pseudonyms
from serving.exchange.messages import AlertTold, message_of
from serving.exchange.partner_matches import PartnerMatches
from serving.matching import SOURCE, Match, Sighting
from serving.selectors.drafting import draft
from tests.exchanges import no_row, told
from tests.unit.test_exchange_outgoing import batch, rows
from tests.unit.test_partner_matches import heard

HAULIER, TRAILER = "GB123456789000", "AB12 CDE"


class Border:
    """Proposes and approves as the commands do."""

    def __init__(self, ledger: Ledger, pseudonyms: Pseudonyms) -> None:
        self.ledger, self.pseudonyms = ledger, pseudonyms

    def propose(self, **changes: Any) -> SelectorProposed:
        row = {
            "agency": "border-force",
            "criteria": [f"organisation: {HAULIER}", f"trailer: {TRAILER}"],
            "reason": "seen at a known address",
            "threat": "firearms",
            "handling": "open",
            "contact": "targeting desk",
            "expires": (datetime.now(UTC) + timedelta(days=30)).isoformat(),
            **changes,
        }
        said = draft(row, self.pseudonyms, by="A", now=now_micros())
        self._append("proposed", said)
        return said

    def approve(self, said: SelectorProposed) -> None:
        self._append("approved", SelectorApproved(selector=said.selector, approver="B"))

    def withdraw(self, said: SelectorProposed) -> None:
        payload = SelectorWithdrawn(selector=said.selector, by="B", reason="over")
        self._append("withdrawn", payload)

    def _append(
        self, act: str, payload: SelectorProposed | SelectorApproved | SelectorWithdrawn
    ) -> None:
        event_id = f"{act}:{payload.selector}"
        event = Event(source=SOURCE, event_id=event_id, occurred_at=1, payload=payload)
        self.ledger.append([event])

    def told(self, **changes: Any) -> list[dict[str, Any]]:
        return rows(batch(self.ledger, shares=("alerts",), **changes))


@pytest.fixture
def border(tmp_path: Path) -> Iterator[Border]:
    make_partnership_key(tmp_path / "keys", "north-sea")
    pseudonyms = load_pseudonyms(tmp_path / "keys")
    with closing(open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")) as ledger:
        yield Border(ledger, pseudonyms)


def tags(border: Border) -> dict[str, str]:
    return {
        "organisation": border.pseudonyms.tags("organisation", HAULIER)["north-sea"],
        "trailer": border.pseudonyms.tags("trailer", TRAILER)["north-sea"],
    }


def test_a_selector_is_told_when_it_is_approved_by_tags_alone(border: Border) -> None:
    said = border.propose()
    assert border.told() == []
    border.approve(said)
    (row,) = border.told()
    assert (row["type"], row["id"]) == ("uk.gov.foreland.alert.raised.v1", "2.alert.raised")
    assert (row["handling"], row["contact"]) == ("open", "targeting desk")
    assert row["data"]["entities"] == tags(border)
    assert row["data"]["reason"] == "seen at a known address"
    message_of(row["type"], row["data"])
    text = str(row)
    assert said.selector not in text
    for key in said.criteria:
        assert key.partition(":")[2] not in text, "a pseudonym of ours"


def test_it_is_withdrawn_under_the_same_subject(border: Border) -> None:
    said = border.propose()
    border.approve(said)
    border.withdraw(said)
    raised, withdrawn = border.told()
    assert withdrawn["type"] == "uk.gov.foreland.alert.withdrawn.v1"
    assert withdrawn["subject"] == raised["subject"]


def test_what_is_guarded_more_than_was_agreed_stays_here(border: Border) -> None:
    for handling in ("open", "contact", "hidden"):
        border.approve(border.propose(handling=handling))
    assert [row["handling"] for row in border.told(handling="open")] == ["open"]
    by_contact = border.told(handling="contact")
    assert [row["handling"] for row in by_contact] == ["open", "contact"]
    assert [row["data"]["reason"] for row in by_contact] == ["seen at a known address", ""]


def test_what_names_nobody_or_somebody_without_a_tag_stays_here(border: Border) -> None:
    border.approve(border.propose(criteria=["route_id = DUN-DVR"], kinds=["vehicle"]))
    border.approve(border.propose())
    assert border.told(partnership="channel") == []
    assert len(border.told()) == 1


def test_the_id_of_a_selector_does_not_depend_on_partnerships(
    border: Border, tmp_path: Path
) -> None:
    before = border.propose()
    make_partnership_key(tmp_path / "keys", "channel")
    pseudonyms = load_pseudonyms(tmp_path / "keys")
    again = Border(border.ledger, pseudonyms)
    row = {"expires": from_micros(before.expires), "starts": from_micros(before.starts)}
    said = draft(
        {
            "agency": before.agency,
            "criteria": [f"organisation: {HAULIER}", f"trailer: {TRAILER}"],
            "reason": before.reason,
            "threat": before.threat,
            "handling": before.handling,
            "contact": before.contact,
            **row,
        },
        again.pseudonyms,
        by="A",
        now=now_micros(),
    )
    assert said.selector == before.selector
    assert (set(before.tags), set(said.tags)) == ({"north-sea"}, {"north-sea", "channel"})


def test_there_it_is_met_by_a_movement_with_all_that_is_asked(border: Border) -> None:
    criteria = [f"organisation: {HAULIER}", "route_id = DUN-DVR"]
    border.approve(border.propose(criteria=criteria, kinds=["vehicle"]))
    (row,) = border.told()
    alert = message_of(row["type"], row["data"])
    assert isinstance(alert, AlertTold)
    assert (alert.kinds, alert.criteria) == (("vehicle",), ("route_id=DUN-DVR",))
    matches = PartnerMatches()
    matches.hear(heard(told(1, "alert.raised", alert)))

    def met(kind: str, route: str, tag: str) -> list[Match]:
        declared = MovementDeclared(
            kind=kind,
            movement="1",
            declared_at=1,
            fields={"route_id": route},
            tags={"north-sea": {"haulier_eori": tag}},
        )
        return list(matches.matches(Sighting(declared, now_micros(), no_row)))

    haulier = tags(border)["organisation"]
    (match,) = met("vehicle", "DUN-DVR", haulier)
    assert (match.reason, match.threat) == ("seen at a known address", "firearms")
    assert met("vehicle", "CAL-DVR", haulier) == []
    assert met("shipment", "DUN-DVR", haulier) == []
    assert met("vehicle", "DUN-DVR", "ff" * 16) == []
