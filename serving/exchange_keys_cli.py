"""``foreland exchange keys`` and ``foreland exchange partnership``: what both sides need first."""

from pathlib import Path
from typing import Annotated

import typer

from features.settings import read_settings

keys = typer.Typer(no_args_is_help=True)
partnership = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Both sides call it so, such as north-sea.")]


@keys.callback()
def keys_group() -> None:
    """The key that signs what we tell partners.

    Example: foreland exchange keys show
    """


@keys.command("create")
def create_command() -> None:
    """Make the key, unless it is there, and print its public half for partners.

    Example: foreland exchange keys create
    """
    from serving.exchange.keys import make_exchange_key

    _show(make_exchange_key(read_settings()).verifying.public)


@keys.command("show")
def show_command() -> None:
    """Print the public half of the key, for the partners.toml of partners.

    Example: foreland exchange keys show
    """
    from serving.exchange.keys import exchange_key

    _show(exchange_key(read_settings()).verifying.public)


@keys.command("rotate")
def rotate_command() -> None:
    """Sign with a new key from now on; a service that runs follows at once.

    Partners take nothing more until its public half is in their partners.toml; what happens
    meanwhile waits, and none of it is lost.

    Example: foreland exchange keys rotate
    """
    from serving.exchange.keys import rotate_exchange_key

    _show(rotate_exchange_key(read_settings()).verifying.public)


@partnership.callback()
def partnership_group() -> None:
    """The key that both agencies of a partnership tag identifiers with.

    Example: foreland exchange partnership create north-sea
    """


@partnership.command("create")
def partnership_create_command(name: Name) -> None:
    """Make the key of a new partnership; a copy of its file goes to the partner by a safe way.

    Movements are tagged from the next start of the service on; what came before has no tags.

    Example: foreland exchange partnership create north-sea
    """
    from serving.exchange.keys import make_partnership

    key, path = make_partnership(read_settings().keys, name)
    typer.echo(f"key {key.key_id} of the partnership {name}: {path}")
    typer.echo("next: copy the file to the partner by a safe way, and restart the service")


@partnership.command("import")
def partnership_import_command(
    name: Name,
    file: Annotated[Path, typer.Argument(help="The partner's copy, readable by you alone.")],
) -> None:
    """Take over the key that a partner made; delete the copy afterwards.

    Example: foreland exchange partnership import north-sea partnership-north-sea.key
    """
    from serving.exchange.keys import import_partnership

    key = import_partnership(read_settings().keys, name, file)
    typer.echo(f"key {key.key_id} of the partnership {name}; the partner's has the same id")
    typer.echo(f"next: delete {file}, and restart the service")


def _show(public: bytes) -> None:
    from features.signing import VerifyingKey

    typer.echo(f"key {VerifyingKey(public).key_id}, for partners.toml at the partner's:", err=True)
    typer.echo(public.hex())
