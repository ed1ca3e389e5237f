"""What a back-test says of a rule, counted by hand or against a plain loop."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pandas as pd
import pytest

from features.clock import now_micros
from features.errors import InputError
from features.ledger import MovementDeclared, RuleProposed, open_ledger
from features.rows import feature_rows
from features.timeline import Timeline, load_timeline
from models.pins import load_pinned
from models.proportions import wilson_interval
from models.rules import RuleRefused, parse_rule, sha256_of_rule
from models.trust import trusted_keys
from tests.command import Done, Run, runner
from tests.rule_texts import DAY, rule_of, rule_text
from tests.small_border import JANUARY, TRAINED_UNTIL, event, home_with_model, outcome
from training.rules.backtest import Count, RuleBacktest, Span, backtest_rule
from training.rules.life import propose

HEAVY = "declared.gross_mass_kg > 30000.0"


def timeline_of_ten(tmp_path: Path) -> Timeline:
    """Ten vehicles, one a day; the odd ones heavy. The first six were examined a day later, and
    every third of them held something."""
    with closing(open_ledger(f"sqlite:///{tmp_path / 'ten.db'}")) as ledger:
        events = []
        for day in range(10):
            at = JANUARY + day * DAY
            declared = MovementDeclared(
                kind="vehicle",
                movement=f"v{day}",
                declared_at=at,
                entities={"haulier_eori": "organisation:h"},
                fields={"gross_mass_kg": 40_000.0 if day % 2 else 10_000.0},
                attributes={"axles": 3.0},
            )
            events.append(event("file", declared, at))
            if day < 6:
                found = "positive" if day % 3 == 0 else "negative"
                events.append(event("file", outcome(declared, at + DAY, found)))
        ledger.backfill(events)
        return load_timeline(ledger, available_before=JANUARY + 30 * DAY)


def tried(timeline: Timeline, rule: RuleProposed, **given: int) -> RuleBacktest:
    span = Span(JANUARY, JANUARY + 10 * DAY, maturity_days=0)
    return backtest_rule(timeline, rule, span._replace(**given), None)


def test_what_it_would_have_matched_and_found(tmp_path: Path) -> None:
    done = tried(timeline_of_ten(tmp_path), rule_of(HEAVY))
    # days 1, 3, 5, 7, 9 are heavy; of them 1, 3, 5 were examined, and 3 held something
    assert done.matched == Count(movements=5, examined=3, found=1, find_rate=wilson_interval(1, 3))
    assert (done.all.movements, done.all.examined, done.all.found) == (10, 6, 2)
    assert (done.share, done.per_week, done.failed) == (0.5, 3.5, 0)
    estimate = done.estimate
    assert (estimate.movements, estimate.matched, estimate.examined, estimate.found) == (
        10,
        5,
        3,
        1,
    )
    assert done.overlap_reason == "no model of the kind is promoted"
    assert done.beyond_reason is not None
    assert "--choices" in done.beyond_reason
    assert not done.simulated


def test_an_examination_that_has_not_matured_is_no_label(tmp_path: Path) -> None:
    # until day 10, maturity 5 days -> examined before day 5: vehicles 0 to 3
    done = tried(timeline_of_ten(tmp_path), rule_of(HEAVY), maturity_days=5)
    assert (done.matched.movements, done.matched.examined, done.matched.found) == (5, 2, 1)
    assert done.all.examined == 4  # not vehicle 4, examined as day 5 began


def test_a_movement_is_seen_as_it_was_known_when_it_was_declared(tmp_path: Path) -> None:
    # The find on day 0 is known from day 3 on, later than it, so that day 3 itself is without it.
    done = tried(timeline_of_ten(tmp_path), rule_of("history.haulier.finds >= 1.0"))
    assert done.matched.movements == 6


def test_history_before_the_time_counts(tmp_path: Path) -> None:
    rule = rule_of("history.haulier.movements >= 8.0")
    done = tried(timeline_of_ten(tmp_path), rule, since=JANUARY + 8 * DAY)
    assert (done.matched.movements, done.all.movements) == (2, 2)


def test_a_time_without_movements_and_an_unknown_attribute_are_refused(tmp_path: Path) -> None:
    timeline = timeline_of_ten(tmp_path)
    with pytest.raises(InputError, match="no vehicle became known"):
        tried(timeline, rule_of(HEAVY), since=JANUARY + 10 * DAY, until=JANUARY + 20 * DAY)
    assert tried(timeline, rule_of("declared.attribute.axles > 2.0")).share == 1.0
    with pytest.raises(RuleRefused, match="no attribute of a vehicle 'axels'; did you mean axles"):
        tried(timeline, rule_of("declared.attribute.axels > 2.0"))


def test_a_failure_is_counted_and_is_no_match(tmp_path: Path) -> None:
    rule = rule_of("declared.attribute.axles.startsWith('t')")
    done = tried(timeline_of_ten(tmp_path), rule)
    assert (done.failed, done.matched.movements) == (10, 0)


def test_it_stands_beside_the_model_on_what_the_model_did_not_learn_from() -> None:
    """Against a plain loop: as many as the rule matches, by probability."""
    rule = rule_of("history.haulier.finds_180d > 4.0")
    with home_with_model() as settings:
        with closing(open_ledger(settings.ledger)) as ledger:
            timeline = load_timeline(ledger, available_before=now_micros())
        bundle = load_pinned(settings.pins, "vehicle", trusted_keys(settings))
        assert bundle is not None
        span = Span(JANUARY, JANUARY + 95 * DAY, maturity_days=0)
        done = backtest_rule(timeline, rule, span, bundle)
    overlap = done.overlap
    assert overlap is not None
    assert (overlap.model, overlap.since, overlap.caution) == (
        "vehicle version 1",
        TRAINED_UNTIL,
        None,
    )
    frame = timeline.of_kind("vehicle")
    frame = frame[frame["available_at"] >= TRAINED_UNTIL].reset_index(drop=True)
    rows = feature_rows(
        timeline, list(frame["payload"]), frame["available_at"].to_numpy(), bundle.catalogue
    )
    place = bundle.catalogue.names.index("haulier.finds_180d")
    by_rule = {at for at, row in enumerate(rows) if row[place] > 4.0}
    ranked = sorted(range(len(rows)), key=lambda at: -bundle.probabilities(rows[at : at + 1])[0])
    by_model = set(ranked[: len(by_rule)])
    found = dict(zip(timeline.outcomes["movement"], timeline.outcomes["outcome"], strict=True))
    said = [found.get(name) for name in frame["movement"]]

    def counted(those: set[int]) -> tuple[int, int, int]:
        results = [said[at] for at in those if said[at] is not None]
        return len(those), len(results), results.count("positive")

    for count, those in (
        (overlap.both, by_rule & by_model),
        (overlap.only_rule, by_rule - by_model),
        (overlap.only_model, by_model - by_rule),
    ):
        assert (count.movements, count.examined, count.found) == counted(those)
    assert overlap.both.movements > 10
    assert overlap.only_rule.movements == overlap.only_model.movements > 10


def test_a_model_that_learned_from_all_of_it_is_not_compared() -> None:
    with home_with_model() as settings:
        with closing(open_ledger(settings.ledger)) as ledger:
            timeline = load_timeline(ledger, available_before=TRAINED_UNTIL)
        bundle = load_pinned(settings.pins, "vehicle", trusted_keys(settings))
        span = Span(JANUARY, TRAINED_UNTIL, maturity_days=0)
        done = backtest_rule(timeline, rule_of("declared.gross_mass_kg > 1.0"), span, bundle)
    assert done.overlap is None
    assert done.overlap_reason is not None
    assert "learned from all before" in done.overlap_reason
    assert done.simulated


def test_with_a_log_of_choices_it_says_what_is_among_the_unexamined(tmp_path: Path) -> None:
    """Heavy vehicles 1, 3, 5 were referred at one half; 7 and 9 were not: each of three stands for
    two, so that one find in three is one in three of all."""
    timeline = timeline_of_ten(tmp_path)
    choices = pd.DataFrame(
        {
            "movement": [f"v{day}" for day in range(10)],
            "kind": "vehicle",
            "propensity": 0.5,
            "exploration": 0.5,
            "referred": [day < 6 for day in range(10)],
            "reason": ["exploration" if day < 6 else "none" for day in range(10)],
        }
    ).set_index("movement")
    span = Span(JANUARY, JANUARY + 10 * DAY, maturity_days=0)
    done = backtest_rule(timeline, rule_of(HEAVY), span, None, choices)
    assert done.beyond_reason is None
    of_all, of_slice = done.beyond
    assert of_all.estimates[0].value == pytest.approx(1 / 3)
    assert (of_all.estimates[0].results, of_all.estimates[0].finds) == (3, 1)
    assert of_slice.name.endswith("from the random slice")
    nothing = backtest_rule(timeline, rule_of("declared.is_empty"), span, None, choices)
    assert nothing.beyond_reason is not None


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    return runner(monkeypatch)


def refused(done: Done) -> str:
    assert done.status == 2
    return done.error


def test_a_rule_from_draft_to_active_by_command(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expires = (datetime.now(tz=UTC) + timedelta(days=90)).date()
    draft = tmp_path / "repeat.toml"
    draft.write_text(rule_text("history.haulier.finds > 8.0", name="repeat-finds", expires=expires))
    approve = ("rules", "approve", "repeat-finds", "--version", "1", "--approver")
    with home_with_model() as settings:
        monkeypatch.setenv("FORELAND_HOME", str(settings.home))
        assert "is proposed" in run("rules", "add", str(draft)).out
        assert "proposed, 0 of 2 approvals" in run("rules", "list").out
        assert "never back-tested" in refused(run(*approve, "G. Hopper"))
        done = run("rules", "backtest", "repeat-finds", "--until", "2026-04-01")
        assert done.status == 0, done.error
        assert "(simulated)" in done.error
        numbers = json.loads(done.out.splitlines()[-1])
        assert (numbers["rule"], numbers["estimate"]["movements"]) == ("repeat-finds", 1_800)
        assert 0 < numbers["share"] < 0.05
        assert "one more person must" in run(*approve, "G. Hopper").out
        assert "nobody approves a rule of their own" in refused(run(*approve, "a. lovelace"))
        assert "repeat-finds 1: active" in run(*approve, "E. Noether").out
        story = run("rules", "show", "repeat-finds").out
        assert f"matches {numbers['estimate']['matched']} of 1,800" in story
        assert run("rules", "list", "--as-of", "2026-01-01").out == ""
        ended = run(
            "rules", "retire", "repeat-finds", "--version", "1", "--by", "Ada", "--reason", "over"
        )
        assert "is retired" in ended.out
        assert "repeat-finds 1: retired" in run("rules", "list").out


def test_a_rule_that_matches_everything_is_refused_with_its_share(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expires = (datetime.now(tz=UTC) + timedelta(days=90)).date()
    draft = tmp_path / "all.toml"
    draft.write_text(rule_text("declared.gross_mass_kg > 0.0", name="everything", expires=expires))
    with home_with_model() as settings:
        monkeypatch.setenv("FORELAND_HOME", str(settings.home))
        said = run("rules", "backtest", str(draft), "--until", "2026-04-01")
        assert "too many to become active, the limit is 5.0%" in said.error
        run("rules", "add", str(draft))
        approve = ("rules", "approve", "everything", "--version", "1", "--approver", "G. Hopper")
        assert "matched 1,800 of 1,800 movements (100.0%)" in refused(run(*approve))
        assert "one more person must" in run(*approve, "--shadow").out


def test_a_back_test_of_other_words_does_not_count(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expires = (datetime.now(tz=UTC) + timedelta(days=90)).date()
    monkeypatch.setenv("FORELAND_HOME", str(tmp_path))
    rule = parse_rule(rule_text(expires=expires))
    with closing(open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")) as ledger:
        propose(ledger, rule)
    kept = tmp_path / "rule-backtests" / f"{sha256_of_rule(rule)}.json"
    kept.parent.mkdir()
    other = tried(timeline_of_ten(tmp_path), rule_of(HEAVY))
    kept.write_bytes(msgspec.json.encode(other))
    approve = ("rules", "approve", rule.name, "--version", "1", "--approver", "G. Hopper")
    assert "is of another text of the rule" in refused(run(*approve))
    kept.write_bytes(b"{}")
    assert "back-test the rule again" in refused(run(*approve))
