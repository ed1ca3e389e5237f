"""``foreland exchange``: what is told to partner agencies, and what they tell."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.clock import iso, now_micros
from features.errors import InputError
from features.keeping_cli import LedgerUrl
from features.ledger import Ledger, open_ledger
from features.settings import Settings, read_settings
from serving.exchange_keys_cli import keys, partnership

if TYPE_CHECKING:
    from serving.exchange.delivery import Delivery, Step
    from serving.exchange.outbox import Outbox
    from serving.exchange.partners import Partner, Partners

app = typer.Typer(no_args_is_help=True)
exchange = typer.Typer(no_args_is_help=True)
letters = typer.Typer(no_args_is_help=True)
app.add_typer(exchange, name="exchange")
exchange.add_typer(keys, name="keys")
exchange.add_typer(partnership, name="partnership")
exchange.add_typer(letters, name="dead-letters")

PartnerName = Annotated[str, typer.Option("--partner", help="Name in partners.toml.")]
EveryPartner = Annotated[
    str | None, typer.Option("--partner", help="Name in partners.toml; default: all.")
]


@exchange.callback()
def exchange_group() -> None:
    """Movements, outcomes, assessments and alerts, told to partner agencies and by them.

    A service sends by itself; docs/intelligence.md says how a partnership is set up.

    Example: foreland exchange status
    """


@exchange.command("partners")
def partners_command() -> None:
    """Check partners.toml, and show who is told what.

    Example: foreland exchange partners
    """
    settings, partners = _partners()
    for partner in partners.partners:
        shares = ", ".join(partner.shares) or "nothing"
        where = partner.url or "files alone"
        typer.echo(
            f"{partner.name}: agency {partner.agency}, partnership {partner.partnership}, by "
            f"{where}; is told {shares} ({partner.handling})"
        )
        for key in partner.key:
            good = "good" if key.is_good(now_micros()) else "NOT VALID NOW"
            until = "for good" if key.valid_until is None else f"until {key.valid_until}"
            typer.echo(f"  key {key.verifying.key_id} {good}, {until}")
    for one in partners.subscribers:
        typer.echo(f"{one.name}: clients of {one.agency} are told of changed assessments")
    typer.echo(f"we are {partners.agency}; {len(partners.partners)} partners in {settings.home}")


@exchange.command("export")
def export_command(
    file: Annotated[Path, typer.Argument(help="NDJSON to write, an event on each line.")],
    partner: PartnerName,
    after: Annotated[
        int | None, typer.Option(min=0, help="Ledger position; default: the partner's mark.")
    ] = None,
    acknowledge: Annotated[
        bool, typer.Option(help="Count it as told: the next export goes on from there.")
    ] = False,
    ledger: LedgerUrl = None,
) -> None:
    """Write what a partner is to be told, signed, into a file.

    Example: foreland exchange export north.ndjson --partner north --acknowledge
    """
    from serving.exchange import store
    from serving.exchange.files import write_events
    from serving.exchange.keys import exchange_key
    from serving.exchange.sending import sender_of

    settings, partners = _partners()
    found = partners.named(partner)
    sender = sender_of(settings, partners, found)
    with _opened(settings, ledger) as (opened, outbox):
        start = store.mark_of(outbox.tables, partner).position if after is None else after
        written = write_events(file, outbox, sender, exchange_key(settings), start)
        if acknowledge:
            with opened.transaction() as transaction:
                store.advance(transaction, partner, written.position, now_micros())
    typer.echo(
        f"{written.events:,} events for {partner}, ledger positions {start + 1:,} to "
        f"{written.position:,}: {file}"
    )


@exchange.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="NDJSON, an event on each line.")],
    ledger: LedgerUrl = None,
) -> None:
    """Take a partner's events from a file; a service may run meanwhile.

    Exit status 1 when one was rejected; the others are taken.

    Example: foreland exchange import from-north.ndjson
    """
    from serving.exchange.files import read_events

    settings, partners = _partners()
    if not file.is_file():
        raise InputError(f"there is no {file}; give the file that the partner wrote")
    counts: Counter[str] = Counter()
    with _opened(settings, ledger) as (opened, _):
        for line, receipt in read_events(file, opened, partners):
            counts[receipt.status] += 1
            for error in receipt.errors:
                typer.echo(f"line {line}: {error.code}: {error.message}", err=True)
    typer.echo(", ".join(f"{counts[s]:,} {s}" for s in ("accepted", "duplicate", "rejected")))
    if counts["rejected"]:
        raise typer.Exit(1)


@exchange.command("send")
def send_command(partner: EveryPartner = None, ledger: LedgerUrl = None) -> None:
    """Tell partners what waits for them, now, where no service runs.

    Exit status 1 when one cannot be told everything.

    Example: foreland exchange send --partner north
    """
    from features.ledger.locks import exclusive
    from serving.exchange.keys import exchange_key
    from serving.exchange.sending import LOCK

    settings, partners = _partners()
    refusal = "a service sends already, each second; `foreland exchange status` shows how it goes"
    failed = False
    with exclusive(settings.home / LOCK, refusal):
        for delivery in _deliveries(settings, partners, partner, ledger):
            sent = refused = 0
            step = delivery.step(exchange_key(settings))
            while step.problem is None:
                sent, refused = sent + step.sent, refused + step.refused
                if not delivery.waiting():
                    break
                step = delivery.step(exchange_key(settings))
            failed |= _say(delivery, step._replace(sent=sent, refused=refused))
    if failed:
        raise typer.Exit(1)


@exchange.command("status")
def status_command(ledger: LedgerUrl = None) -> None:
    """Show how every partner stands: told up to where, waiting since when, heard of when.

    Example: foreland exchange status
    """
    from serving.exchange import store
    from serving.exchange.partners import Partner

    settings, partners = _partners()
    with _opened(settings, ledger) as (_, outbox):
        last = outbox.last_position()
        for partner in partners.recipients:
            mark = store.mark_of(outbox.tables, partner.name)
            dead = len(store.dead_letters(outbox.tables, partner.name))
            told = "never" if mark.told_at is None else iso(mark.told_at)
            typer.echo(
                f"{partner.name}: told up to position {mark.position:,} of {last:,}, last {told}; "
                f"{dead} dead letters"
            )
            if mark.problem is not None and mark.failing_since is not None:
                typer.echo(f"  waits since {iso(mark.failing_since)}: {mark.problem}")
            if isinstance(partner, Partner):
                _show_heard(outbox, partner)


@letters.callback()
def letters_group() -> None:
    """Events that a partner refused for good; they can be made again from the ledger.

    Example: foreland exchange dead-letters list
    """


@letters.command("list")
def list_command(partner: EveryPartner = None, ledger: LedgerUrl = None) -> None:
    """Show them, the oldest first, with what the partner said.

    Example: foreland exchange dead-letters list
    """
    from serving.exchange import store

    settings, _ = _partners()
    with _opened(settings, ledger) as (_, outbox):
        found = store.dead_letters(outbox.tables, partner)
    for letter in found:
        typer.echo(f"{letter.partner}  {letter.event_id}  {iso(letter.died_at)}  {letter.reason}")
    typer.echo(f"{len(found)} dead letters")


@letters.command("retry")
def retry_command(partner: PartnerName, ledger: LedgerUrl = None) -> None:
    """Send a partner's dead letters once more; what it takes is none any longer.

    Exit status 1 when some are left.

    Example: foreland exchange dead-letters retry --partner north
    """
    from serving.exchange.keys import exchange_key

    settings, partners = _partners()
    failed = False
    for delivery in _deliveries(settings, partners, partner, ledger):
        failed |= _say(delivery, delivery.retry(exchange_key(settings)))
    if failed:
        raise typer.Exit(1)


def _partners() -> "tuple[Settings, Partners]":
    from serving.exchange.partners import FILE, NOBODY, read_partners

    settings = read_settings()
    partners = read_partners(settings.home)
    if partners is NOBODY:
        raise InputError(
            f"there is no {settings.home / FILE}; docs/intelligence.md has one to start from"
        )
    return settings, partners


@contextmanager
def _opened(settings: Settings, ledger: str | None) -> "Iterator[tuple[Ledger, Outbox]]":
    """The ledger with the tables that the exchange needs, and what reads both."""
    from serving import audit
    from serving.exchange import store
    from serving.exchange.outbox import Outbox

    url = ledger or settings.ledger
    with closing(open_ledger(url, create=False)) as opened:
        with opened.transaction() as transaction:
            audit.prepare(transaction)
            store.prepare(transaction)
        with Outbox(url) as outbox:
            yield opened, outbox


def _deliveries(
    settings: Settings, partners: "Partners", name: str | None, ledger: str | None
) -> "Iterator[Delivery]":
    """Of every partner with an address and every subscriber, or of one."""
    from serving.exchange.delivery import Delivery
    from serving.exchange.sending import post_of, teller_of
    from serving.writer import Work

    chosen = partners.recipients if name is None else (partners.recipient(name),)
    for recipient in chosen:
        if recipient.url is None:
            if name is not None:
                raise InputError(f"{name} has no url; `foreland exchange export` writes a file")
            continue
        with ExitStack() as stack:
            opened, outbox = stack.enter_context(_opened(settings, ledger))
            post = post_of(settings, recipient)
            stack.callback(post.close)

            def commit(work: Work[None], to: Ledger = opened) -> None:
                with to.transaction() as transaction:
                    work(transaction)

            yield Delivery(teller_of(settings, partners, recipient), outbox, post, commit)


def _say(delivery: "Delivery", step: "Step") -> bool:
    """One line about a partner; whether something is left."""
    problem = "" if step.problem is None else f"; the rest waits: {step.problem}"
    typer.echo(f"{delivery.partner}: {step.sent:,} taken, {step.refused:,} refused{problem}")
    return step.problem is not None or step.refused > 0


def _show_heard(outbox: "Outbox", partner: "Partner") -> None:
    from serving.exchange import store
    from serving.exchange.incoming import CLOCK_TOLERANCE_MICROS

    many, last, ahead = store.arrivals(outbox.tables, partner.name)
    heard = "nothing came yet" if last is None else f"{many:,} events came, the last {iso(last)}"
    clock = ""
    if ahead > CLOCK_TOLERANCE_MICROS:
        clock = f"; its clock was ahead of ours by up to {ahead / 3_600_000_000:.1f} hours"
    typer.echo(f"  {heard}{clock}")
