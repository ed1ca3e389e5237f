"""``foreland retain``: what is kept and for how long; and the rotation of the pseudonym key."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import InputError
from features.ledger import Ledger, open_ledger
from features.settings import Settings, read_settings

if TYPE_CHECKING:
    from features.retention import Rules

app = typer.Typer(no_args_is_help=True)

LedgerUrl = Annotated[
    str | None, typer.Option(help="Ledger URL; default sqlite under FORELAND_HOME.")
]


@app.command("retain")
def retain_command(
    rules: Annotated[
        Path | None, typer.Option(help="Rules (TOML); default retention.toml in FORELAND_HOME.")
    ] = None,
    ledger: LedgerUrl = None,
    dry_run: Annotated[bool, typer.Option(help="Say what would go, and erase nothing.")] = False,
    example: Annotated[bool, typer.Option(help="Print rules to start from, and stop.")] = False,
    holds: Annotated[bool, typer.Option(help="List the holds that stand, and stop.")] = False,
    hold: Annotated[
        str | None, typer.Option(help="Keep this movement_ref, whatever the rules say.")
    ] = None,
    lift: Annotated[str | None, typer.Option(help="Lift the hold on this movement_ref.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="Kind of the movement of --hold, --lift.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Reason for --hold or --lift.")] = None,
) -> None:
    """Erase what the rules say need not be kept, for good; or place and lift legal holds.

    A movement goes whole, with its outcomes, decisions and assessments: their keys are destroyed.
    The ledger keeps that something was there, and by which rule it went. Servers must be stopped.

    Example: foreland retain --dry-run
    """
    from features.retention import EXAMPLE, read_rules

    if example:
        typer.echo(EXAMPLE, nl=False)
        return
    settings = read_settings()
    with closing(open_ledger(ledger or settings.ledger, create=False)) as opened:
        if holds:
            _list_holds(opened)
            return
        if (hold or lift) and dry_run:
            raise InputError("--dry-run is about rules; a hold is placed or it is not")
        if hold or lift:
            _set_hold(opened, settings, hold, lift, kind, reason)
            return
        if kind or reason:
            raise InputError("--kind and --reason go with --hold or --lift; rules name their kind")
        found = read_rules(rules or settings.home / "retention.toml")
        for line in _run(opened, settings, found, dry_run=dry_run):
            typer.echo(line)


def _set_hold(
    ledger: Ledger,
    settings: Settings,
    hold: str | None,
    lift: str | None,
    kind: str | None,
    reason: str | None,
) -> None:
    from features.clock import now_micros
    from features.records import check_kind
    from features.retention import set_hold
    from features.rotation import pseudonyms_of

    if hold and lift:
        raise InputError("--hold and --lift are two steps; give one of them")
    if kind is None or not reason:
        raise InputError("a hold needs --kind and --reason; the reason is kept in the ledger")
    pseudonyms = pseudonyms_of(ledger, settings.keys)
    movement = pseudonyms.movement(check_kind(kind), hold or lift or "")
    appended = set_hold(ledger, kind, movement, reason, now_micros(), lift=lift is not None)
    done = "lifted" if lift else "placed"
    typer.echo(f"hold {done} on one {kind}, position {appended.position} of the ledger")


def _list_holds(ledger: Ledger) -> None:
    from features.clock import iso
    from features.retention import holds

    found = holds(ledger)
    for hold in found:
        typer.echo(
            f"{hold.kind} {hold.movement} held since {iso(hold.placed_at)}, "
            f"{hold.events} events: {hold.reason}"
        )
    typer.echo(f"{len(found)} holds stand; a movement is named by its pseudonym")


def _run(ledger: Ledger, settings: Settings, rules: "Rules", *, dry_run: bool) -> Iterator[str]:
    from features.clock import now_micros
    from features.history.snapshot import remove_snapshots
    from features.neighbourhood.following import remove_ties
    from features.retention import erase, plan

    now = now_micros()
    planned = plan(ledger.tail(0), rules, now)
    does = "would erase" if dry_run else "erased"
    if not dry_run and planned.positions:
        try:
            erase(ledger, planned, rules, now)
        finally:  # it may have been done, and not overwritten yet
            # What was counted from the erased is in them, though none of their content is.
            remove_snapshots(settings.history)
            remove_ties(settings.ties)
    elif not dry_run:
        ledger.scrub()  # an earlier run may have been kept from it by a reader
    for count in planned.counts:
        yield (
            f"{does} {count.movements:,} {count.kind} movements ({count.events:,} events) "
            f"by the rule {count.rule!r}"
        )
    if not planned.counts:
        yield "nothing to erase: no movement is past its rule"
    yield f"kept {planned.kept:,} movements that no rule fits, {planned.held:,} under a legal hold"
    if not dry_run:
        verified = ledger.verify()
        yield (
            f"the ledger verifies: {verified.events:,} events, {verified.erased:,} of them erased, "
            f"last link {verified.link.hex()[:16]}"
        )


def rotate_pseudonyms_command(ledger: LedgerUrl = None) -> None:
    """Make pseudonyms with a new key from now on; every history goes on as it was.

    Servers must be stopped. Back up the keys directory afterwards: older keys stay needed.

    Example: foreland keys rotate-pseudonyms
    """
    from features.rotation import rotate_pseudonym_key

    settings = read_settings()
    with closing(open_ledger(ledger or settings.ledger, create=False)) as opened:
        key_id, known = rotate_pseudonym_key(opened, settings.keys)
    typer.echo(f"pseudonyms are made with key {key_id} from now on; {known:,} known ones go on")
    typer.echo(f"next: back up {settings.keys} (it holds the older keys too, which stay needed)")
