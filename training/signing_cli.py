"""``foreland signing-key``: the key that vouches for bundles."""

import typer

from features.settings import read_settings

app = typer.Typer(no_args_is_help=True)
signing_key = typer.Typer(no_args_is_help=True)
app.add_typer(signing_key, name="signing-key")


@signing_key.callback()
def signing_key_group() -> None:
    """The key that signs bundles, and the keys whose bundles are believed.

    Example: foreland signing-key show
    """


@signing_key.command("make")
def make_command() -> None:
    """Make the key that signs bundles, unless it is there, and print its public half.

    Training makes it on first use too. A service that runs elsewhere pins the public half:
    FORELAND_BUNDLE_KEYS, or bundle_keys in foreland.toml.

    Example: foreland signing-key make
    """
    from models.trust import bundle_signing_key

    typer.echo(bundle_signing_key(read_settings()).verifying.public.hex())


@signing_key.command("show")
def show_command() -> None:
    """List the keys whose bundles are believed here: key id and public half, the newest first.

    Example: foreland signing-key show
    """
    from models.trust import trusted_keys

    settings = read_settings()
    keys = trusted_keys(settings)
    for key in keys:
        typer.echo(f"{key.key_id} {key.public.hex()}")
    pinned = "pinned by the setting bundle_keys" if settings.bundle_keys else "the home's own"
    typer.echo(f"{len(keys)} keys are believed here, {pinned}", err=True)


@signing_key.command("rotate")
def rotate_command() -> None:
    """Sign with a new key from now on, and destroy the old one.

    What the old key signed is believed until its public half is removed from the keys directory,
    or from bundle_keys wherever that is set.

    Example: foreland signing-key rotate
    """
    from models.trust import rotate_signing_key, trusted_keys

    settings = read_settings()
    old = trusted_keys(settings)
    key = rotate_signing_key(settings)
    typer.echo(key.verifying.public.hex())
    believed = ", ".join(one.key_id for one in old if one != key.verifying)
    typer.echo(
        f"bundles are signed with key {key.key_id} from now on; pin it wherever bundle_keys is "
        f"set, before the next promotion. What keys {believed} signed is believed until their "
        "public halves are removed: at once if one was stolen, else when nothing of theirs serves",
        err=True,
    )
