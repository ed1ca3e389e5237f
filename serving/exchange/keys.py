"""The key that we sign with, and the keys that partnerships share."""

from pathlib import Path

from features.errors import InputError
from features.home_keys import rotate_key
from features.key_files import check_name, is_there, make_file, read_secret_file
from features.keys import PartnershipKey, load_partnership_keys, make_partnership_key
from features.settings import Settings
from features.signing import SigningKey, load_signing_key, make_signing_key

NAME = "exchange"


def exchange_key(settings: Settings) -> SigningKey:
    """Read anew for each batch, so that a rotation needs no restart.

    Raises:
        KeyUnusable: there is none; ``foreland exchange keys create`` makes it.
    """
    return load_signing_key(settings.keys, NAME)


def make_exchange_key(settings: Settings) -> SigningKey:
    """The key that is there already, or else a new one."""
    return make_signing_key(settings.keys, NAME)


def rotate_exchange_key(settings: Settings) -> SigningKey:
    """A new key signs from now on. Until a partner knows its public half, its events wait there:
    none is lost, because an event that waits is signed when it is sent.

    Raises:
        KeyUnusable: as ``features.home_keys.rotate_key``.
    """
    return rotate_key(settings.keys, NAME, "partners.toml, at every partner's,")


def make_partnership(keys: Path, name: str) -> tuple[PartnershipKey, Path]:
    """A new key, and the file that the partner needs a copy of.

    Raises:
        InputError: there is one of this name.
    """
    if name in load_partnership_keys(keys):
        raise InputError(
            f"there is a key of the partnership {name} already; a new key needs a new name, "
            "because tags under the old one stay in the ledger"
        )
    return make_partnership_key(keys, name), _file(keys, name)


def import_partnership(keys: Path, name: str, file: Path) -> PartnershipKey:
    """Take over the copy of a partner's key.

    Raises:
        InputError: there is another key of this name.
        KeyUnusable: the file holds no key, or others can read it.
    """
    secrets = read_secret_file(file)
    if len(secrets) != 1:
        raise InputError(f"{file} holds {len(secrets)} keys, and a partnership has one; check it")
    given = PartnershipKey(secrets[0])
    path = _file(keys, name)
    if not is_there(path):
        make_file(path, secrets)
    there = load_partnership_keys(keys)[name]
    if there.key_id != given.key_id:
        raise InputError(
            f"there is another key of the partnership {name} here, {there.key_id}, and the file "
            f"holds {given.key_id}; agree on one, under a name of its own"
        )
    return there


def _file(keys: Path, name: str) -> Path:
    return keys / f"partnership-{check_name(name)}.key"
