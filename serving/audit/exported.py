"""The second place of the heads: one file a head, never changed once it is there.

A file has two lines: the head as it was signed, and the signature in hexadecimal. Whoever changes
the database cannot change these too, as long as the place is not his: another machine, or a store
that takes files and gives none up.
"""

import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from features.errors import ForelandError
from serving.audit.heads import SignedHead

_NAME = re.compile(r"head-(\d{10})\.txt")


class ExportRefused(ForelandError):
    """A head cannot be written to its second place, or another one is there."""


def file_name(number: int) -> str:
    """
    >>> file_name(7)
    'head-0000000007.txt'
    """
    return f"head-{number:010d}.txt"


def file_bytes(head: SignedHead) -> bytes:
    return head.content + b"\n" + head.signature.hex().encode() + b"\n"


def exported_numbers(directory: Path) -> set[int]:
    """Of the heads that are there; none when there is no such place yet."""
    try:
        names = [entry.name for entry in directory.iterdir()]
    except FileNotFoundError:
        return set()
    except OSError as exc:
        raise _refused(directory, exc) from exc
    return {int(match[1]) for name in names if (match := _NAME.fullmatch(name))}


def read_exported(directory: Path) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each file, by number."""
    for number in sorted(exported_numbers(directory)):
        try:
            yield number, (directory / file_name(number)).read_bytes()
        except OSError as exc:
            raise _refused(directory, exc) from exc


def check_not_ahead(exported: set[int], last: int) -> None:
    """
    Raises:
        ExportRefused: heads were exported that the database no longer has.
    """
    if exported and max(exported) > last:
        raise ExportRefused(
            f"head {max(exported)} was exported and the database ends at head {last}: it may be an "
            "older copy that was restored; run `foreland audit verify`, and keep both as they are"
        )


def write_head(directory: Path, head: SignedHead) -> None:
    """The whole file or none; one that is there with the same bytes stays.

    Raises:
        ExportRefused: the place cannot be written, or it holds another head of the same number.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _write(directory / file_name(head.number), file_bytes(head))
    except OSError as exc:
        raise _refused(directory, exc) from exc


def _write(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with aside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, path)  # never over one that is there
        except FileExistsError:
            _check_same(path, content)
    finally:
        aside.unlink(missing_ok=True)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_same(path: Path, content: bytes) -> None:
    if path.read_bytes() != content:
        raise ExportRefused(
            f"{path} holds another head of this number: the database may be an older copy that was "
            "restored; keep both as they are and run `foreland audit verify`"
        )


def _refused(directory: Path, exc: OSError) -> ExportRefused:
    return ExportRefused(
        f"heads cannot be exported to {directory}: {(exc.strerror or str(exc)).lower()}; "
        "mend the place, or set audit_export to another"
    )
