"""``foreland rules``: from a draft to a rule that refers, and to its end."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from features.clock import now_micros, parse_day
from features.ledger import Ledger, RuleProposed, open_ledger
from features.settings import read_settings
from training.progress import progress_in_words

app = typer.Typer(no_args_is_help=True)
rules = typer.Typer(no_args_is_help=True)
app.add_typer(rules, name="rules")

Name = Annotated[str, typer.Argument(help="The rule's name.")]
Version = Annotated[int, typer.Option(min=1, help="Its version.")]
LastVersion = Annotated[int | None, typer.Option(min=1, help="Its version; default: the last one.")]
Key = Annotated[
    Path | None,
    typer.Option(help="File with your own key, where approver_keys are configured."),
]
LedgerUrl = Annotated[str | None, typer.Option(help="Ledger URL; default: the home's own.")]


@rules.callback()
def rules_group() -> None:
    """Rules that people write and approve, matched beside the model and never part of it.

    Example: foreland rules list
    """


@rules.command("add")
def add_command(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE.toml", help="The rule, or a new version of it.")
    ] = None,
    example: Annotated[bool, typer.Option(help="Print a rule to start from, and stop.")] = False,
    ledger: LedgerUrl = None,
) -> None:
    """Propose a rule; it matches nothing until two others approve it.

    What cannot be evaluated, or reads what no movement has, is refused here; for attributes the
    ledger is read, since nothing else knows of them. Any change is a new
    version, and the old one stands until the new one is active.

    Example: foreland rules add tobacco.toml
    """
    from features.errors import InputError
    from models.rules import (
        EXAMPLE,
        attributes_of,
        check_attributes,
        declared_attributes,
        read_rule,
    )
    from training.rules.life import propose

    if example:
        typer.echo(EXAMPLE, nl=False)
        return
    if file is None:
        raise InputError("name the file of the rule; foreland rules add --example prints one")
    rule = read_rule(file)
    with _opened(ledger) as opened:
        if attributes_of(rule):
            check_attributes(rule, declared_attributes(opened.tail(0), rule.kind))
        new = propose(opened, rule)
    said = "is proposed" if new else "was proposed in these words before"
    typer.echo(
        f"{rule.name} version {rule.version} {said}; next: foreland rules backtest {rule.name}, "
        "then two people other than its creator approve it"
    )


@rules.command("backtest")
def backtest_command(
    rule: Annotated[str, typer.Argument(help="The rule's name, or the file of a draft.")],
    version: LastVersion = None,
    since: Annotated[
        str | None, typer.Option(help="First day; default: 26 weeks before the last.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Day after the last; default: all that is known.")
    ] = None,
    choices: Annotated[
        Path | None, typer.Option(help="Log of choices, as of foreland audit choices.")
    ] = None,
    only_json: Annotated[
        bool, typer.Option("--json", help="Say nothing but the line of JSON.")
    ] = False,
    ledger: LedgerUrl = None,
) -> None:
    """Say what a rule would have matched and found, and what the model would have instead.

    Every movement as it was known when it was declared. It is kept for the approvals of exactly
    this text. The last line of standard output is JSON.

    Example: foreland rules backtest tobacco-short-notice --since 2026-01-01
    """
    import msgspec

    from training.rules.backtest_words import backtest_in_words
    from training.rules.record import keep_backtest
    from training.rules.run import run_backtest

    settings = read_settings()
    definition = _rule_meant(rule, version, ledger)
    with progress_in_words() as say:
        done = run_backtest(
            settings,
            definition,
            since=None if since is None else parse_day(since, "--since"),
            until=None if until is None else parse_day(until, "--until"),
            choices=choices,
            ledger_url=ledger,
            progress=say,
        )
    keep_backtest(settings, done)
    for line in () if only_json else backtest_in_words(done, settings.most_matched_by_a_rule):
        typer.echo(line, err=True)
    typer.echo(msgspec.json.encode(done).decode())


@rules.command("approve")
def approve_command(
    name: Name,
    version: Version,
    approver: Annotated[str, typer.Option(help="Your name; two people, neither its creator.")],
    key: Key = None,
    shadow: Annotated[
        bool, typer.Option(help="Only to be matched and recorded: never shown, refers nothing.")
    ] = False,
    ledger: LedgerUrl = None,
) -> None:
    """Approve a version; the second, different approver makes it stand.

    To become active it must have been back-tested in exactly these words, and not match more than
    the setting most_matched_by_a_rule allows.

    Where approver_keys are configured, both sign with their own.

    Example: foreland rules approve tobacco-short-notice --version 1 --approver "G. Hopper"
    """
    from features.approvers import approver_of
    from models.rules import read_rules
    from training.rules.life import approve, version_of
    from training.rules.record import kept_estimate
    from training.rules.words import version_in_words

    settings = read_settings()
    who = approver_of(approver, key, settings.approver_keys)
    with _opened(ledger) as opened:
        meant = version_of(read_rules(opened), name, version)
        done = approve(
            opened,
            name,
            version,
            who.name,
            "shadow" if shadow else "active",
            kept_estimate(settings, meant.sha256),
            settings.most_matched_by_a_rule,
            key=who.key,
            approver_keys=settings.approver_keys,
        )
        typer.echo(version_in_words(read_rules(opened), done.version, now_micros()))
    if done.missing:
        mode = " --shadow" if shadow else ""
        typer.echo(
            "one more person must: foreland rules approve "
            f"{name} --version {version} --approver NAME{mode}"
        )


@rules.command("retire")
def retire_command(
    name: Name,
    version: Version,
    reason: Annotated[str, typer.Option(help="Why; it is kept in the ledger.")],
    by: Annotated[str, typer.Option(help="Your name.")],
    ledger: LedgerUrl = None,
) -> None:
    """End a version: from now on it matches nothing, by one person's word.

    Example: foreland rules retire tobacco-short-notice --version 1 --reason "route closed"
    --by "G. Hopper"
    """
    from training.rules.life import retire

    with _opened(ledger) as opened:
        done = retire(opened, name, version, by, reason)
    said = "is retired" if done else "was retired before; nothing is changed"
    typer.echo(f"{name} version {version} {said}")


@rules.command("list")
def list_command(
    as_of: Annotated[
        str | None, typer.Option(help="As it was known when this day began; default: now.")
    ] = None,
    ledger: LedgerUrl = None,
) -> None:
    """List every version of every rule and how it stands.

    Example: foreland rules list --as-of 2026-03-01
    """
    from models.rules import read_rules
    from training.rules.words import version_in_words

    at = now_micros() if as_of is None else parse_day(as_of, "--as-of")
    with _opened(ledger) as opened:
        known = read_rules(opened, before=at)
    for version in known.all():
        typer.echo(version_in_words(known, version, at))
    typer.echo(f"{len(known.all())} versions", err=True)


@rules.command("show")
def show_command(name: Name, version: LastVersion = None, ledger: LedgerUrl = None) -> None:
    """Show one version in full, with who approved it and what they knew.

    Example: foreland rules show tobacco-short-notice
    """
    from models.rules import read_rules
    from training.rules.life import version_of
    from training.rules.words import story_in_words, version_in_words

    with _opened(ledger) as opened:
        known = read_rules(opened)
    found = version_of(known, name, version)
    typer.echo(version_in_words(known, found, now_micros()))
    for line in story_in_words(found, read_settings().approver_keys):
        typer.echo(f"  {line}")


@contextmanager
def _opened(ledger: str | None) -> Iterator[Ledger]:
    with closing(open_ledger(ledger or read_settings().ledger, create=False)) as opened:
        yield opened


def _rule_meant(rule: str, version: int | None, ledger: str | None) -> RuleProposed:
    """Of a draft's file, or a version in the ledger."""
    from models.rules import read_rule, read_rules
    from training.rules.life import version_of

    if rule.endswith(".toml"):
        return read_rule(Path(rule))
    with _opened(ledger) as opened:
        return version_of(read_rules(opened), rule, version).rule
