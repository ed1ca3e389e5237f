"""``foreland keys``: API keys of clients, and the rotation of the pseudonym key."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from features.clock import MICROS_PER_DAY, Micros, from_micros, iso, now_micros, parse_day
from features.errors import InputError
from features.keeping_cli import LedgerUrl, rotate_pseudonyms_command
from features.ledger import Ledger, open_ledger
from features.settings import read_settings
from serving.auth import key_store
from serving.auth.access import Client, check_name, check_scopes

if TYPE_CHECKING:
    from serving.auth.api_keys import StoredKey

_MICROS_PER_HOUR = MICROS_PER_DAY // 24

app = typer.Typer(no_args_is_help=True)
keys = typer.Typer(no_args_is_help=True)
app.add_typer(keys, name="keys")
keys.command("rotate-pseudonyms")(rotate_pseudonyms_command)


@keys.callback()
def keys_group() -> None:
    """API keys of clients, and the secret key that identifiers are replaced with.

    A running service takes a new key, and refuses a revoked one, within a second.

    Example: foreland keys create --client port-system --scopes score.write,outcome.write
    """


ClientName = Annotated[str, typer.Option("--client", help="Name of the client, a system.")]
ExpiresDays = Annotated[
    float | None, typer.Option(min=0, help="Days until it expires; by default never.")
]


@keys.command("create")
def create(
    client: ClientName,
    scopes: Annotated[str, typer.Option(help="What it may do, with commas between.")],
    agency: Annotated[
        str | None, typer.Option(help="On whose behalf it asks; default: its own name.")
    ] = None,
    expires_days: ExpiresDays = None,
    ledger: LedgerUrl = None,
) -> None:
    """Make the API key of a client; it is shown this once, alone on the last line.

    Clients of one agency read each other's assessments, those of another get 404. From the first
    key on, the service refuses every request without one.

    Example: foreland keys create --client port-system --agency border-force
    --scopes score.write,outcome.write --expires-days 365
    """
    from serving.auth.api_keys import new_key

    owner = Client(
        check_name(client, "--client"),
        check_name(agency or client, "--agency"),
        check_scopes(scopes),
    )
    now = now_micros()
    with _opened(ledger, make=True) as (opened, stored):
        _check_new(owner, stored, now)
        key, kept = new_key(owner, created_at=now, expires_at=_after(now, expires_days))
        key_store.add(opened, kept)
    _show(key, kept)


@keys.command("rotate")
def rotate(
    client: ClientName,
    grace_hours: Annotated[
        float, typer.Option(min=0, help="How long the old key stays good; 0: not at all.")
    ] = 24.0,
    expires_days: ExpiresDays = None,
    ledger: LedgerUrl = None,
) -> None:
    """Make another key for a client; the old one stays good for a time of grace.

    Example: foreland keys rotate --client port-system --grace-hours 48
    """
    from serving.auth.api_keys import new_key

    now = now_micros()
    with _opened(ledger) as (opened, stored):
        owner = _good_keys(client, stored, now)[-1].owner()
        key, kept = new_key(owner, created_at=now, expires_at=_after(now, expires_days))
        until = now + round(grace_hours * _MICROS_PER_HOUR)
        key_store.replace(opened, kept, until)
    typer.echo(f"the old key is good until {iso(until)}", err=True)
    _show(key, kept)


@keys.command("revoke")
def revoke(client: ClientName, ledger: LedgerUrl = None) -> None:
    """End all keys of a client, at once and for good.

    Example: foreland keys revoke --client port-system
    """
    now = now_micros()
    with _opened(ledger) as (opened, stored):
        good = _good_keys(client, stored, now)
        key_store.revoke(opened, client, now)
    typer.echo(f"revoked {', '.join(key.key_id for key in good)} of {client}")


@keys.command("list")
def list_keys(ledger: LedgerUrl = None) -> None:
    """Show who has keys, what they may do, and until when; never a key.

    Example: foreland keys list
    """
    now = now_micros()
    with _opened(ledger) as (_, stored):
        for key in stored:
            scopes = ",".join(sorted(key.scopes))
            typer.echo(
                f"{key.key_id}  {key.client}  agency {key.agency}  {scopes}  "
                f"created {iso(key.created_at)}  {_condition(key, now)}"
            )
    if not stored:
        typer.echo("no keys: the service takes every request, and only from this machine")


@keys.command("draws")
def draws(
    day: Annotated[str, typer.Option(help="A day that is over, as YYYY-MM-DD (UTC).")],
) -> None:
    """Disclose the key of one past day's draws, with which anybody can check its referrals.

    It tells nothing of other days. The draw of a movement is the first 53 bits of HMAC-SHA-256
    of its pseudonym, under this key; docs/selective-labels.md has the recipe.

    Example: foreland keys draws --day 2026-03-01
    """
    from features.draw_keys import draw_secret
    from models.policies import day_key

    asked = parse_day(day, "--day")
    if asked + MICROS_PER_DAY > now_micros():
        raise InputError(
            f"{day} is not over: whoever had its key could foresee who is drawn; ask again after it"
        )
    typer.echo(day_key(draw_secret(read_settings().keys), from_micros(asked).date()).hex())


@contextmanager
def _opened(
    ledger: str | None, *, make: bool = False
) -> "Iterator[tuple[Ledger, list[StoredKey]]]":
    """The ledger and the keys that are stored beside it."""
    with closing(open_ledger(ledger or read_settings().ledger, create=make)) as opened:
        with closing(key_store.open_keys(opened)) as reader:
            stored = reader.read_all()
        yield opened, stored


def _check_new(owner: Client, stored: "list[StoredKey]", now: Micros) -> None:
    for key in stored:
        if key.client == owner.name and key.agency != owner.agency:
            raise InputError(
                f"client {owner.name} belongs to agency {key.agency}, for good: what it was "
                "answered does; choose another name for the client of "
                f"{owner.agency}"
            )
        if key.client == owner.name and key.refusal(now) is None:
            raise InputError(
                f"client {owner.name} has key {key.key_id} already; "
                f"`foreland keys rotate --client {owner.name}` makes the next one"
            )


def _good_keys(client: str, stored: "list[StoredKey]", now: Micros) -> "list[StoredKey]":
    good = [key for key in stored if key.client == client and key.refusal(now) is None]
    if not good:
        raise InputError(
            f"client {client!r} has no key that is good now; `foreland keys list` shows all"
        )
    return good


def _after(now: Micros, days: float | None) -> Micros | None:
    return None if days is None else now + round(days * MICROS_PER_DAY)


def _condition(key: "StoredKey", now: Micros) -> str:
    if key.revoked_at is not None:
        return f"revoked {iso(key.revoked_at)}"
    if key.expires_at is None:
        return "good"
    until = "expired" if key.expires_at <= now else "good until"
    rotated = "rotated, " if key.rotated_at is not None else ""
    return f"{rotated}{until} {iso(key.expires_at)}"


def _show(key: str, kept: "StoredKey") -> None:
    until = (
        "it does not expire" if kept.expires_at is None else f"good until {iso(kept.expires_at)}"
    )
    typer.echo(
        f"key {kept.key_id} of client {kept.client}, agency {kept.agency}, "
        f"scopes {','.join(sorted(kept.scopes))}; {until}"
    )
    typer.echo("keep it where only the client can read it; it is not stored here, nor shown again:")
    typer.echo(key)
