"""A back-test from a home: its ledger, its promoted model, and a log of choices if there is one."""

from contextlib import closing
from pathlib import Path

from features.clock import MICROS_PER_DAY, Micros
from features.ledger import RuleProposed, open_source
from features.rotation import pseudonyms_to_read
from features.settings import Settings
from features.timeline import load_timeline
from models.pins import load_pinned
from models.trust import trusted_keys
from training.choices import read_choices
from training.config import Labels
from training.data import Progress, just_after_newest
from training.rules.backtest import RuleBacktest, Span, backtest_rule

WEEKS = 26
"""Looked at unless something else is asked."""
_END_OF_TIME = 1 << 62


def run_backtest(
    settings: Settings,
    rule: RuleProposed,
    *,
    since: Micros | None = None,
    until: Micros | None = None,
    choices: Path | None = None,
    ledger_url: str | None = None,
    progress: Progress | None = None,
) -> RuleBacktest:
    """
    Args:
        since: default: ``WEEKS`` before ``until``.
        until: nothing that became available at or after it is used; default: all is.
        choices: as for ``foreland train``.

    Raises:
        ForelandError: a ledger, a pin or a file that cannot be used, or no movement in the time.
    """
    say = progress or (lambda _: None)
    say("reading the ledger")
    with closing(open_source(ledger_url or settings.ledger)) as ledger:
        timeline = load_timeline(ledger, available_before=_END_OF_TIME if until is None else until)
        logged = None
        if choices is not None:
            pseudonyms = pseudonyms_to_read(ledger, settings.keys)
            logged = read_choices(choices, rule.kind, pseudonyms)
    end = just_after_newest(timeline, rule.kind) if until is None else until
    start = end - WEEKS * 7 * MICROS_PER_DAY if since is None else since
    say("loading the promoted model")
    bundle = load_pinned(settings.pins, rule.kind, trusted_keys(settings))
    say("trying the rule")
    span = Span(start, end, Labels().maturity_days)
    return backtest_rule(timeline, rule, span, bundle, logged)
