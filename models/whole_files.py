"""Small files that are replaced in one step: a reader finds the old one or the new one."""

import os
import tempfile
from pathlib import Path

import msgspec


def write_whole(file: Path, content: msgspec.Struct) -> None:
    """Write as JSON, durably, so that it is one or the other after a crash too."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(content, order="sorted"), indent=1)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync(file.parent)


def sync(path: Path) -> None:
    """Until this returns, what was written to a file or a directory may be gone after a crash."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
