"""The governance site as files: which of them may be read, and that whoever reads is recorded."""

import asyncio
import os
import re
import stat
from pathlib import Path
from typing import NamedTuple

from features.ledger import Transaction
from serving.audit import ReportViewed
from serving.auth.access import Client
from serving.problems import RequestRefused
from serving.recording import Recorder

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".toml": "application/toml",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".zip": "application/zip",
}
"""Suffix to media type; files of other suffixes are not published."""
MOST_BYTES = 64 << 20
MOST_PARTS = 6
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
"""No dot in front: what is being written has one, and so have ``.`` and ``..``."""


class PublishedFile(NamedTuple):
    name: str
    """Below the site, such as ``2026-03/index.html``."""
    media_type: str
    body: bytes


class Published:
    """The site under one folder; belongs to one event loop."""

    def __init__(self, root: Path, recorder: Recorder) -> None:
        self._root = root
        self._recorder = recorder

    async def shown(self, path: str, client: Client) -> PublishedFile:
        """The file, once it is on disk that the client was shown it.

        Args:
            path: below the site; one that ends with a slash, or is empty, means its index.

        Raises:
            RequestRefused: ``no_such_route``, or as ``Recorder.done``.
        """
        found = await asyncio.to_thread(self._read, path)
        if found is None:
            raise RequestRefused("no_such_route", "no report is published at this address")
        note = ReportViewed(path=found.name, client=client.name, agency=client.agency)

        def add(transaction: Transaction) -> None:
            self._recorder.stream.note(transaction, note)

        await self._recorder.done(add)
        return found

    def _read(self, path: str) -> PublishedFile | None:
        name = f"{path}index.html" if not path or path.endswith("/") else path
        parts = name.split("/")
        media_type = TYPES.get(Path(name).suffix)
        well_made = len(parts) <= MOST_PARTS and all(_PART.fullmatch(part) for part in parts)
        if media_type is None or not well_made:
            return None
        body = _regular_file(self._root, parts)
        return None if body is None else PublishedFile(name, media_type, body)


def _regular_file(root: Path, parts: list[str]) -> bytes | None:
    """Its bytes; None when any part of the way below ``root`` is a link, or it is no file."""
    descriptors: list[int] = []
    try:
        descriptors.append(os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        for place, part in enumerate(parts, start=1):
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
            if place < len(parts):
                flags |= os.O_DIRECTORY
            descriptors.append(os.open(part, flags, dir_fd=descriptors[-1]))
        found = os.fstat(descriptors[-1])
        if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
            return None
        with os.fdopen(descriptors.pop(), "rb") as file:
            return file.read()
    except OSError:  # not there, a link, or not ours to read
        return None
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
