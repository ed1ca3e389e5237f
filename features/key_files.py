"""Where secrets lie: files readable by their owner only, or variables for a key service to set."""

import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features.errors import ForelandError, InputError

KEY_BYTES = 32
_LONGEST_FILE = 1_000_000


class KeyUnusable(ForelandError):
    """A key is malformed, lies open to others, or cannot be read or made."""


def new_secret() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def from_hex(text: str, origin: str) -> bytes:
    """The secret in 64 hexadecimal digits.

    Raises:
        KeyUnusable: naming ``origin``, never the text.
    """
    try:
        secret = bytes.fromhex(text.strip())
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise KeyUnusable(
            f"{origin} holds no key of {2 * KEY_BYTES} hexadecimal digits; "
            "restore it from a copy (a new key would cut off everything made under this one)"
        )
    return secret


def check_name(name: str) -> str:
    """Raise unless ``name`` can stand in a file's name and, in capitals, in a variable's.

    >>> check_name("north-sea")
    'north-sea'
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) or len(name) > 40:
        raise InputError(
            f"a key cannot be named {name!r}; use small letters, digits and single dashes, "
            "such as north-sea"
        )
    return name


def variable(kind: str, name: str) -> str:
    """
    >>> variable("signing", "north-sea")
    'FORELAND_SIGNING_KEY_NORTH_SEA'
    """
    return f"FORELAND_{kind.upper()}_KEY_{check_name(name).upper().replace('-', '_')}"


def is_there(path: Path) -> bool:
    with _mended_by_permissions(path):
        return path.exists()


def read_secret_file(path: Path) -> list[bytes]:
    """A secret on each line.

    Raises:
        KeyUnusable: when others can read it, or replace it, or a line is no key.
    """
    with _mended_by_permissions(path):
        _refuse_open_directory(path.parent)
        with path.open(errors="replace") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise KeyUnusable(
                    f"the key file {path} is open to others (mode {mode:03o}); "
                    f"run `chmod 600 {path}`, and replace the key if it may have been read"
                )
            lines = file.read(_LONGEST_FILE).rstrip().splitlines()
    return [from_hex(line, str(path)) for line in lines or [""]]


def read_public_file(path: Path) -> bytes:
    """The public half of a key: anybody may read it, its owner alone may change it."""
    with _mended_by_permissions(path):
        _refuse_open_directory(path.parent)
        with path.open(errors="replace") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o022:
                raise KeyUnusable(f"others can write to {path}; run `chmod 644 {path}`")
            return from_hex(file.read(_LONGEST_FILE), str(path))


def make_file(path: Path, lines: list[bytes], mode: int = 0o600) -> None:
    """Complete or absent, and of several processes the first wins: look at what is there after."""
    with _mended_by_permissions(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = _written_aside(path, lines, mode)
        try:
            os.link(aside, path)
        except FileExistsError:
            pass  # another process made it in the meantime
        finally:
            aside.unlink()
        _sync_directory(path.parent)


def replace_file(path: Path, lines: list[bytes]) -> None:
    """The old content or the new, never a part; call it inside ``locked``."""
    with _mended_by_permissions(path):
        _written_aside(path, lines, 0o600).replace(path)
        _sync_directory(path.parent)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """One process at a time; the lock goes when the process does."""
    with _mended_by_permissions(directory):
        descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _written_aside(path: Path, lines: list[bytes], mode: int) -> Path:
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.writelines(line.hex() + "\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        aside.unlink()  # a full disk must not leave part of a secret behind
        raise
    return aside


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_open_directory(directory: Path) -> None:
    if stat.S_IMODE(directory.stat().st_mode) & 0o022:
        raise KeyUnusable(f"others can write to {directory}; run `chmod 700 {directory}`")


@contextmanager
def _mended_by_permissions(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise KeyUnusable(
            f"the key file {path} cannot be read or made: {(exc.strerror or str(exc)).lower()}; "
            "check FORELAND_HOME and its permissions"
        ) from exc
