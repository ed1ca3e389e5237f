"""The secrets under which identifiers become pseudonyms and tags: never printed, never pickled.

A keyring holds one pseudonym key per generation, oldest first; ``features.pseudonyms`` says what a
rotation does. Keys that sign are in ``features.signing``.
"""

import os
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from features.key_files import (
    KEY_BYTES,
    KeyUnusable,
    check_name,
    from_hex,
    is_there,
    locked,
    make_file,
    read_secret_file,
    replace_file,
    variable,
)
from features.keyed_hash import KeyedHash

__all__ = [
    "KEY_BYTES",
    "TAG_BYTES",
    "KeyUnusable",
    "Keyring",
    "PartnershipKey",
    "PseudonymKey",
    "load_keyring",
    "load_partnership_keys",
    "make_partnership_key",
    "save_keyring",
]

TAG_BYTES = 16
"""Of a pseudonym. Among ten billion of them the chance that any two are alike is below 2e-19."""

VARIABLE = "FORELAND_PSEUDONYM_KEY"
_PARTNERSHIP_PREFIX = "FORELAND_PARTNERSHIP_KEY_"


class _SecretKey(KeyedHash):
    """32 bytes that make tags; the text form hides them."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise KeyUnusable(f"a key has {KEY_BYTES} bytes, not {len(secret)}; restore it")
        super().__init__(secret)
        self._secret = secret

    @property
    def key_id(self) -> str:
        """Names the key without telling it: the same key has the same id everywhere."""
        return self.tag(b"foreland key id")[:4].hex()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key_id})"

    def __reduce__(self) -> NoReturn:
        raise KeyUnusable("a key is never pickled or copied; load it in the process that needs it")


class PseudonymKey(_SecretKey):
    """One generation of the agency's own secret."""

    __slots__ = ()


class PartnershipKey(_SecretKey):
    """Shared with one partner agency, so that both make the same tag of the same identifier."""

    __slots__ = ()


class Keyring:
    """Pseudonym keys by generation, of which the last is current.

    Keys that a rotation has added to the file but not yet to the ledger wait behind it.
    """

    __slots__ = ("_first", "_keys", "_later", "_waiting")

    def __init__(self, keys: Sequence[PseudonymKey], waiting: Sequence[PseudonymKey] = ()) -> None:
        ids = [key.key_id for key in (*keys, *waiting)]
        if not keys or len(set(ids)) < len(ids):
            raise KeyUnusable(
                f"a keyring needs at least one key and none twice, not {', '.join(ids) or 'none'}; "
                "restore it from a copy"
            )
        self._keys, self._waiting = tuple(keys), tuple(waiting)
        self._first, self._later = self._keys[0], self._keys[1:]

    @property
    def key_id(self) -> str:
        """Of the current generation."""
        return self._keys[-1].key_id

    @property
    def generation(self) -> int:
        """1 until the first rotation."""
        return len(self._keys)

    def tag(self, message: bytes) -> bytes:
        """16 bytes: the first generation's tag of ``message``, tagged again by each later one."""
        tag = self._first.tag(message)[:TAG_BYTES]
        for key in self._later:
            tag = _nested(key, tag)
        return tag

    def tags(self, messages: Iterable[bytes]) -> list[bytes]:
        """As ``tag`` of each."""
        tags = [tag[:TAG_BYTES] for tag in self._first.tags(messages)]
        for key in self._later:
            tags = [_nested(key, tag) for tag in tags]
        return tags

    def tag_again(self, tag: bytes) -> bytes:
        """From a tag of the generation before to the current generation's.

        Raises:
            ValueError: when it is not 16 bytes long.
        """
        return _nested(self._keys[-1], tag)

    def up_to(self, key_id: str) -> "Keyring":
        """As of the generation that the ledger was written under; later keys wait.

        Raises:
            KeyUnusable: when no key has this id.
        """
        everything = (*self._keys, *self._waiting)
        ids = [key.key_id for key in everything]
        if key_id not in ids:
            raise KeyUnusable(
                f"the ledger was written under pseudonym key {key_id} and this keyring holds "
                f"{', '.join(ids)}; restore keys/pseudonym.key (or {VARIABLE}) from its copy"
            )
        generation = ids.index(key_id) + 1
        return Keyring(everything[:generation], everything[generation:])

    def following(self) -> "Keyring":
        """The next generation: the key that waits, else a new one that is nowhere stored yet."""
        new, *rest = self._waiting or (PseudonymKey(secrets.token_bytes(KEY_BYTES)),)
        return Keyring((*self._keys, new), rest)

    def reveal(self) -> list[bytes]:
        """For the key file alone."""
        return [key._secret for key in self._keys]

    def __repr__(self) -> str:
        return f"Keyring({', '.join(key.key_id for key in self._keys)})"

    def __reduce__(self) -> NoReturn:
        raise KeyUnusable("a keyring is never pickled or copied; load it where it is needed")


def _nested(key: PseudonymKey, tag: bytes) -> bytes:
    # 16 bytes by themselves: every message of the first generation is longer and so is another.
    if len(tag) != TAG_BYTES:
        raise ValueError(f"a tag has {TAG_BYTES} bytes, not {len(tag)}")
    return key.tag(tag)[:TAG_BYTES]


def load_keyring(keys: Path, *, make: bool = True) -> Keyring:
    """From ``FORELAND_PSEUDONYM_KEY`` (64 hexadecimal digits a generation, oldest first), else
    from ``pseudonym.key`` in ``keys`` (a line a generation).

    The file is made on first use, in a directory of its own, but only to ``make`` a beginning:
    whoever loses it can no longer match new movements to the history of old ones.

    Raises:
        KeyUnusable: when it is malformed, readable by others, or is absent and not made.
    """
    given = os.environ.get(VARIABLE)
    if given is not None:
        return _from_variable(given)
    path = keys / "pseudonym.key"
    if not is_there(path):
        if not make:
            raise KeyUnusable(
                f"there is no {path} and no {VARIABLE}, yet the ledger was written under a key; "
                "restore it from its copy (a new key would cut every entity off from its history)"
            )
        make_file(path, [secrets.token_bytes(KEY_BYTES)])
    return Keyring([PseudonymKey(secret) for secret in read_secret_file(path)])


def save_keyring(keys: Path, keyring: Keyring) -> None:
    """Add the newest generation to where the keyring lies; nothing when it is there already.

    Comes before the ledger hears of the key: a key in the file that no ledger names is harmless,
    a ledger that names a key in no file is lost.

    Raises:
        KeyUnusable: when something else was added meanwhile, or it lies in a variable, which only
            the key service can change.
    """
    wanted = keyring.reveal()
    if VARIABLE in os.environ:
        if load_keyring(keys).reveal()[: len(wanted)] != wanted:
            raise KeyUnusable(
                f"the keyring comes from {VARIABLE}, which cannot be written from here; append a "
                f"new key of {2 * KEY_BYTES} hexadecimal digits to it, after a space, and rotate"
            )
        return
    with locked(keys):
        stored = load_keyring(keys).reveal()
        if stored[: len(wanted)] == wanted:
            return
        if stored != wanted[:-1]:
            raise KeyUnusable(
                f"{keys / 'pseudonym.key'} has changed since it was read (another rotation?); "
                "nothing was written, run the rotation again"
            )
        replace_file(keys / "pseudonym.key", wanted)


def _from_variable(text: str) -> Keyring:
    parts = text.replace(",", " ").split() or [""]
    return Keyring([PseudonymKey(from_hex(part, VARIABLE)) for part in parts])


def load_partnership_keys(keys: Path) -> dict[str, PartnershipKey]:
    """Partnership name to key, in order of name; a variable goes before a file of its name.

    Raises:
        KeyUnusable: when one is malformed or readable by others.
    """
    found: dict[str, PartnershipKey] = {}
    for path in keys.glob("partnership-*.key"):
        name = check_name(path.stem.removeprefix("partnership-"))
        found[name] = PartnershipKey(_only_line(path))
    for given, text in os.environ.items():
        if given.startswith(_PARTNERSHIP_PREFIX):
            name = check_name(given.removeprefix(_PARTNERSHIP_PREFIX).lower().replace("_", "-"))
            found[name] = PartnershipKey(from_hex(text, variable("partnership", name)))
    return dict(sorted(found.items()))


def make_partnership_key(keys: Path, name: str) -> PartnershipKey:
    """The key in ``partnership-NAME.key``, made unless it is there: the partner gets a copy."""
    path = keys / f"partnership-{check_name(name)}.key"
    if not is_there(path):
        make_file(path, [secrets.token_bytes(KEY_BYTES)])
    return PartnershipKey(_only_line(path))


def _only_line(path: Path) -> bytes:
    stored = read_secret_file(path)
    if len(stored) != 1:
        raise KeyUnusable(f"{path} holds {len(stored)} keys, and one belongs there; restore it")
    return stored[0]
