"""How records hang together: each link is the SHA-256 of the link before it and of the content."""

from hashlib import sha256
from typing import NamedTuple

from features.clock import Micros
from serving.audit.entries import Entry, Record, encode_canonical

FIRST_LINK = bytes(32)
"""What the first record of every stream is linked to."""
End = tuple[int, bytes]
"""Number and link of the last record of a stream."""
FIRST_END: End = (0, FIRST_LINK)

INSERT_RECORD = (
    "INSERT INTO audit_records (stream, number, recorded_at, content, link) VALUES (?, ?, ?, ?, ?)"
)


class LinkedRecord(NamedTuple):
    """One line of the table of records."""

    stream: str
    number: int
    recorded_at: Micros
    content: bytes
    """Canonical JSON; it says stream, number and time too, so that the link covers them."""
    link: bytes


def link_record(stream: str, end: End, recorded_at: Micros, entry: Entry) -> LinkedRecord:
    """The record that follows ``end``."""
    number, before = end[0] + 1, end[1]
    said = Record(stream=stream, number=number, recorded_at=recorded_at, entry=entry)
    content = encode_canonical(said)
    return LinkedRecord(stream, number, recorded_at, content, link_of(before, content))


def link_of(before: bytes, content: bytes) -> bytes:
    return sha256(before + content).digest()
