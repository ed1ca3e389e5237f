"""Secret keys on disk: readable by their owner only, made on first use, never printed."""

import hmac
import os
import secrets
import stat
from pathlib import Path

from features.errors import ForelandError

KEY_BYTES = 32
VARIABLE = "FORELAND_PSEUDONYM_KEY"


class KeyUnusable(ForelandError):
    """A key is malformed, lies open to others, or cannot be read or made."""


class PseudonymKey:
    """The secret under which identifiers become pseudonyms; its text form hides it."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise KeyUnusable(f"a pseudonym key has {KEY_BYTES} bytes, not {len(secret)}")
        self._secret = secret

    def tag(self, message: bytes) -> bytes:
        """HMAC-SHA-256 of ``message``, 32 bytes."""
        return hmac.digest(self._secret, message, "sha256")

    @property
    def key_id(self) -> str:
        """Names the key without telling it: the same key has the same id everywhere."""
        return self.tag(b"foreland key id")[:4].hex()

    def __repr__(self) -> str:
        return f"PseudonymKey({self.key_id})"


def load_pseudonym_key(keys: Path) -> PseudonymKey:
    """The key in ``FORELAND_PSEUDONYM_KEY`` (64 hexadecimal digits), else in ``keys``.

    The file is made on first use, in a directory of its own. Whoever loses it can no longer match
    new movements to the history of old ones.

    Raises:
        KeyUnusable: when it is malformed, readable by others, or cannot be made.
    """
    given = os.environ.get(VARIABLE)
    if given is not None:
        return PseudonymKey(_from_hex(given, VARIABLE))
    path = keys / "pseudonym.key"
    try:
        if not path.exists():
            _make(path)
        return PseudonymKey(_read(path))
    except OSError as exc:
        raise KeyUnusable(
            f"the key file {path} cannot be read or made: {(exc.strerror or str(exc)).lower()}; "
            "check FORELAND_HOME and its permissions"
        ) from exc


def _make(path: Path) -> None:
    """Written aside and linked into place: complete or absent, and the first process wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)
    except FileExistsError:
        pass  # another process made it in the meantime
    finally:
        aside.unlink()
    directory = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _read(path: Path) -> bytes:
    if stat.S_IMODE(path.parent.stat().st_mode) & 0o022:
        raise KeyUnusable(f"others can write to {path.parent}; run `chmod 700 {path.parent}`")
    with path.open() as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise KeyUnusable(
                f"the key file {path} is open to others (mode {mode:03o}); "
                f"run `chmod 600 {path}`, and replace the key if it may have been read"
            )
        return _from_hex(file.read(), str(path))


def _from_hex(text: str, origin: str) -> bytes:
    try:
        secret = bytes.fromhex(text.strip())
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise KeyUnusable(
            f"{origin} holds no key of {2 * KEY_BYTES} hexadecimal digits; "
            "restore it from a copy (a new key would cut every entity off from its history)"
        )
    return secret
