"""A rule from its file to its end: who may say what, and what stands when."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from features.clock import now_micros
from features.history.online import LiveHistory
from features.ledger import Ledger, RuleEstimate, RuleProposed, RuleRetired
from features.ledger.parquet import ParquetLedger, write_export
from features.retention import Rules as Retention
from features.retention import plan
from features.timeline import load_timeline
from models.rules import Mode, RuleRefused, Rules, parse_rule, read_rules, sha256_of_rule
from models.rules.definition import check_life
from tests.example_events import movement_event, outcome_event
from tests.rule_texts import ADA, DAY, EMMY, GRACE, Word, approval, rule_of, rule_text, said
from training.rules.life import Approved, approve, propose, retire, version_of

FEW = RuleEstimate(since=0, until=70 * DAY, movements=1_000, matched=12, examined=5, found=2)
MANY = replace(FEW, matched=51)
LIMIT = 0.05
FAR = 1 << 62
NO_RETENTION = Retention((), "0" * 64)
SOON = datetime.date(2027, 1, 15)


def rule(**given: Any) -> RuleProposed:
    in_two_months = datetime.datetime.now(tz=datetime.UTC).date() + datetime.timedelta(days=60)
    return rule_of(expires=in_two_months, **given)


def yes(
    ledger: Ledger,
    approver: str,
    *,
    number: int = 1,
    shadow: bool = False,
    estimate: RuleEstimate | None = FEW,
) -> Approved:
    mode: Mode = "shadow" if shadow else "active"
    return approve(ledger, "tobacco-short-notice", number, approver, mode, estimate, LIMIT)


def states(rules: Rules, at: int | None = None) -> list[str]:
    """By default by every word that was heard."""
    after = rules.newest + 1 if at is None else at
    return [rules.state(version, after) for version in rules.all()]


def test_two_others_make_a_rule_active(ledger: Ledger) -> None:
    assert propose(ledger, rule())
    assert not propose(ledger, rule())  # again, in the same words
    first = yes(ledger, GRACE)
    assert (first.state, first.missing) == ("proposed", 1)
    second = yes(ledger, EMMY)
    assert (second.state, second.missing) == ("active", 0)
    (live,) = read_rules(ledger).live("vehicle", now_micros())
    assert (live.rule, live.mode) == (rule(), "active")
    assert read_rules(ledger).live("vessel", now_micros()) == ()


def test_shadow_comes_before_active_or_instead_of_it(ledger: Ledger) -> None:
    propose(ledger, rule())
    assert yes(ledger, GRACE, shadow=True, estimate=None).state == "proposed"
    assert yes(ledger, EMMY, shadow=True, estimate=None).state == "shadow"
    assert yes(ledger, GRACE).state == "shadow"
    assert yes(ledger, EMMY).state == "active"


def test_a_word_for_active_counts_for_shadow(ledger: Ledger) -> None:
    propose(ledger, rule())
    yes(ledger, GRACE)
    assert yes(ledger, EMMY, shadow=True).state == "shadow"


@pytest.mark.parametrize("creator", [ADA, "a.  LOVELACE "])
def test_nobody_approves_a_rule_of_their_own(ledger: Ledger, creator: str) -> None:
    propose(ledger, rule())
    with pytest.raises(RuleRefused, match="nobody approves a rule of their own"):
        yes(ledger, creator)


def test_one_person_is_not_two(ledger: Ledger) -> None:
    propose(ledger, rule())
    yes(ledger, GRACE)
    with pytest.raises(RuleRefused, match="approved tobacco-short-notice version 1 for active"):
        yes(ledger, "g. hopper")


def test_what_would_match_too_much_is_refused_with_the_estimate(ledger: Ledger) -> None:
    propose(ledger, rule())
    with pytest.raises(RuleRefused, match=r"matched 51 of 1,000 movements \(5\.1%\)"):
        yes(ledger, GRACE, estimate=MANY)
    assert yes(ledger, GRACE, shadow=True, estimate=MANY).missing == 1
    at_the_limit = replace(FEW, matched=50)
    assert yes(ledger, GRACE, estimate=at_the_limit).missing == 1


@pytest.mark.parametrize("estimate", [None, replace(FEW, movements=0, matched=0)])
def test_nothing_becomes_active_that_was_never_tried(
    ledger: Ledger, estimate: RuleEstimate | None
) -> None:
    propose(ledger, rule())
    with pytest.raises(RuleRefused, match="run: foreland rules backtest tobacco-short-notice"):
        yes(ledger, GRACE, estimate=estimate)


def test_a_change_is_a_new_version_and_the_old_one_stands_until_it_is_active(
    ledger: Ledger,
) -> None:
    propose(ledger, rule())
    yes(ledger, GRACE)
    yes(ledger, EMMY)
    with pytest.raises(RuleRefused, match="write version = 2"):
        propose(ledger, rule(points=30))
    assert propose(ledger, rule(points=30, version=2))
    assert states(read_rules(ledger)) == ["active", "proposed"]
    yes(ledger, GRACE, number=2, shadow=True)
    yes(ledger, EMMY, number=2, shadow=True)
    assert states(read_rules(ledger)) == ["active", "shadow"]
    yes(ledger, GRACE, number=2)
    yes(ledger, EMMY, number=2)
    assert states(read_rules(ledger)) == ["superseded", "active"]
    retire(ledger, "tobacco-short-notice", 2, GRACE, "no use")
    assert states(read_rules(ledger)) == ["superseded", "retired"]
    with pytest.raises(RuleRefused, match="version 1 is superseded"):
        yes(ledger, "M. Mirzakhani")


def test_a_name_keeps_its_kind_and_owner(ledger: Ledger) -> None:
    propose(ledger, rule())
    with pytest.raises(RuleRefused, match="take another name"):
        propose(ledger, rule(version=2, agency="police"))


def test_one_person_ends_a_rule_and_says_why(ledger: Ledger) -> None:
    propose(ledger, rule())
    yes(ledger, GRACE)
    yes(ledger, EMMY)
    assert retire(ledger, "tobacco-short-notice", 1, ADA, "the route is closed")
    assert not retire(ledger, "tobacco-short-notice", 1, GRACE, "again")
    assert read_rules(ledger).live("vehicle", now_micros()) == ()
    retired = version_of(read_rules(ledger), "tobacco-short-notice").retired
    assert retired is not None
    assert (retired.said.by, retired.said.reason) == (ADA, "the route is closed")


def test_a_rule_ends_with_its_last_day() -> None:
    proposed = rule_of(expires=SOON)
    rules = Rules()
    words: list[Word] = [proposed, approval(proposed, GRACE), approval(proposed, EMMY)]
    for position, word in enumerate(words, start=1):
        rules.hear(said(position, word))
    midnight = proposed.expires_at
    assert [rules.state(rules.all()[0], at) for at in (midnight - 1, midnight)] == [
        "active",
        "expired",
    ]
    assert rules.live("vehicle", midnight) == ()


def test_a_word_counts_after_the_instant_at_which_it_became_known() -> None:
    proposed = rule_of(expires=SOON)
    rules = Rules()
    ended = RuleRetired(name=proposed.name, version=1, by=GRACE, reason="over")
    words: list[Word] = [proposed, approval(proposed, GRACE), approval(proposed, EMMY), ended]
    for position, word in enumerate(words, start=1):
        rules.hear(said(position, word))
    assert [len(rules.live("vehicle", at)) for at in range(1, 7)] == [0, 0, 0, 1, 0, 0]
    for at in range(1, 7):
        first, end = rules.unchanged_for("vehicle", at)
        assert first <= at < end
        assert {rules.live("vehicle", one) for one in range(first, min(end, 9))} == {
            rules.live("vehicle", at)
        }
    assert rules.unchanged_for("vehicle", proposed.expires_at - 1)[1] == proposed.expires_at


def test_what_a_ledger_should_not_hold_counts_for_nothing() -> None:
    """Whoever can write to a ledger is not thereby two people, nor an approver of other words."""
    proposed = rule_of()
    rules = Rules()
    of_other_words = replace(approval(proposed, EMMY), rule_sha256="0" * 64)
    of_nothing = RuleRetired(name="nobody", version=1, by=GRACE, reason="x")
    words: list[Word] = [
        approval(proposed, GRACE),  # before there was anything to approve
        proposed,
        approval(proposed, ADA),
        approval(proposed, GRACE),
        approval(proposed, "G.  hopper"),
        of_other_words,
        of_nothing,
    ]
    for position, word in enumerate(words, start=1):
        rules.hear(said(position, word))
    assert states(rules, 10) == ["proposed"]
    rules.hear(said(8, replace(proposed, points=99)))  # the first text of a version stays
    assert rules.all()[0].rule == proposed


def test_only_what_was_known_before_an_instant_is_heard(ledger: Ledger) -> None:
    propose(ledger, rule())
    (event,) = ledger.read_source("intelligence")
    assert read_rules(ledger, before=event.available_at).all() == []
    assert len(read_rules(ledger, before=event.available_at + 1).all()) == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"name": "Tobacco!"}, r"at `\$\.name`"),
        ({"points": 101}, r"at `\$\.points`"),
        ({"points": 0}, r"at `\$\.points`"),
        ({"action": "detain"}, "detain"),
        ({"kind": "person"}, "one of vehicle, vessel, shipment"),
        ({"threat": "boredom"}, "boredom"),
        ({"contact": None}, "missing required field `contact`"),
        ({"marking": "SECRET"}, "SECRET"),
        ({"expires": None}, "missing required field `expires`"),
        ({"reason": ""}, r"at `\$\.reason`"),
        ({"colour": "red"}, "unknown field `colour`"),
    ],
)
def test_a_file_that_is_no_rule_is_refused(given: dict[str, object], says: str) -> None:
    with pytest.raises(RuleRefused, match=says):
        parse_rule(rule_text(None, **given))


def test_a_file_that_is_no_toml_is_refused() -> None:
    with pytest.raises(RuleRefused, match="this is not TOML"):
        parse_rule("name = ")


def test_no_rule_stands_for_more_than_a_year() -> None:
    proposed = rule_of(expires=SOON)
    check_life(proposed, proposed.expires_at - 366 * DAY)
    with pytest.raises(RuleRefused, match="no rule stands for more than a year"):
        check_life(proposed, proposed.expires_at - 366 * DAY - 1)
    with pytest.raises(RuleRefused, match="expired on 2027-01-15"):
        check_life(proposed, proposed.expires_at)


def test_the_sha256_covers_every_word_and_no_line_end() -> None:
    texts = [
        rule_text(),
        rule_text(points=21),
        rule_text(reason="Another"),
        rule_text(expires=SOON),
    ]
    assert len({sha256_of_rule(parse_rule(text)) for text in texts}) == 4
    apart = rule_of("declared.is_empty\n&& declared.value_gbp > 1.0")
    assert sha256_of_rule(apart) == sha256_of_rule(
        rule_of("declared.is_empty && declared.value_gbp > 1.0")
    )


def test_history_exports_and_retention_pass_over_what_is_said_of_rules(
    ledger: Ledger, tmp_path: Path
) -> None:
    with ledger.backfilling() as backfill:
        backfill.append([movement_event(1, available_at=DAY), outcome_event(1, available_at=DAY)])
    before = load_timeline(ledger, available_before=FAR)
    history = LiveHistory()
    history.follow(ledger)
    propose(ledger, rule())
    yes(ledger, GRACE)
    yes(ledger, EMMY)
    retire(ledger, "tobacco-short-notice", 1, ADA, "over")
    history.follow(ledger)
    assert history.position == ledger.last_position() == 6
    assert history.newest_available_at("vehicle") == DAY
    after = load_timeline(ledger, available_before=FAR)
    assert after.movements.equals(before.movements)
    assert after.outcomes.equals(before.outcomes)
    assert plan(ledger.tail(0), NO_RETENTION, now_micros()).kept == 1  # the movement alone
    export = tmp_path / "export.parquet"
    write_export(export, ledger.read_batches(), key_id=None, rotated=False)
    assert read_rules(ParquetLedger(export)).all() == read_rules(ledger).all()
