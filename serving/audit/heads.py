"""Heads of the audit log: every now and then one signature covers all streams, and the ledger.

What a head covers is fixed under the write lock, so that nothing is half written: the records since
the head before it, in order of stream (by its bytes) and number. The leaves of its Merkle tree are
their links, and each link stands for all of its stream up to there. It names the head before it by
digest, so that none can be taken out, and the ledger's last link, so that the ledger cannot be
shortened either. The tree may be computed without the lock: what it is made of never changes.
"""

from collections.abc import Generator, Sequence
from hashlib import sha256
from itertools import groupby
from typing import Any, NamedTuple, Protocol

import msgspec

from features.clock import Micros
from features.ledger import Tables, Transaction
from features.ledger.rows import FIRST_LINK
from features.signing import SigningKey
from serving.audit.entries import encode_canonical
from serving.audit.merkle import root_of

FIRST_PREVIOUS = bytes(32).hex()
"""What the first head names as the one before it."""
BEFORE_ALL = -(2**63)
"""Before every number that a head can have, those that no program gave included."""
MOST_RECORDS = 10_000
"""Covered by one head at most."""
_LAST = "SELECT number, last_place, content FROM audit_heads ORDER BY number DESC LIMIT 1"
_PENDING = "SELECT count(*) FROM (SELECT 1 FROM audit_records WHERE place > ? LIMIT ?) AS pending"
_AFTER = (
    "SELECT number, last_place, content, signature FROM audit_heads WHERE number > ?"
    " ORDER BY number"
)
_LEDGER = "SELECT position, link FROM events ORDER BY position DESC LIMIT 1"
_NEWEST = "SELECT max(place) FROM audit_records"
_NTH_NEW = "SELECT place FROM audit_records WHERE place > ? ORDER BY place LIMIT 1 OFFSET ?"
_NEW = "SELECT stream, number, link FROM audit_records WHERE place > ? AND place <= ?"


class StreamRange(msgspec.Struct, frozen=True, kw_only=True):
    """Records of one stream that a head covers."""

    stream: str
    first: int
    last: int
    link: str
    """Of the last one, hexadecimal."""


class Head(msgspec.Struct, frozen=True, kw_only=True, tag="foreland audit head 1"):
    """What is signed. The tag keeps a signature from being used for anything else."""

    number: int
    """From 1, without gaps."""
    made_at: Micros
    previous_sha256: str
    """Of the canonical JSON of the head before."""
    key_id: str
    streams: tuple[StreamRange, ...]
    """In order of their names' bytes; those with nothing new are left out."""
    records: int
    merkle_root: str
    ledger_position: int
    ledger_link: str


class SignedHead(NamedTuple):
    """One line of the table of heads."""

    number: int
    last_place: int
    content: bytes
    """Canonical JSON: exactly these bytes are signed."""
    signature: bytes


class HeadLimits(NamedTuple):
    """When there is a new head."""

    records: int
    micros: Micros


class Fetches(Protocol):
    """A transaction, or tables that are only read."""

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...


decode_head = msgspec.json.Decoder(Head).decode


class _End(NamedTuple):
    number: int
    last_place: int
    sha256: str
    made_at: Micros
    ledger_position: int


def _last(source: Fetches) -> _End:
    found = source.fetch(_LAST)
    if not found:
        return _End(0, 0, FIRST_PREVIOUS, 0, 0)
    number, last_place, content = found[0]
    head = decode_head(content)
    digest = sha256(content).hexdigest()
    return _End(number, last_place, digest, head.made_at, head.ledger_position)


def is_due(source: Fetches, limits: HeadLimits, now: Micros) -> bool:
    """Whether enough records, or time, passed since the last head, and anything at all happened."""
    last = _last(source)
    ((pending,),) = source.fetch(_PENDING, [last.last_place, limits.records])
    if pending >= limits.records:
        return True
    if abs(now - last.made_at) < limits.micros:  # a clock that was set back counts as time too
        return False
    return pending > 0 or _ledger_end(source)[0] > last.ledger_position


class Cover(NamedTuple):
    """What the next head is about: all that was there at one instant under the write lock."""

    made_at: Micros
    previous: _End
    last_place: int
    """Of the records that it covers."""
    ledger_position: int
    ledger_link: bytes


class Covered(NamedTuple):
    """The same, and what the head says of its records."""

    cover: Cover
    streams: tuple[StreamRange, ...]
    records: int
    merkle_root: str


def next_cover(transaction: Transaction, now: Micros) -> Cover:
    """Everything that no head covers yet, unless that is more than one may."""
    last = _last(transaction)
    ((newest,),) = transaction.fetch(_NEWEST)
    last_place = last.last_place if newest is None else max(newest, last.last_place)
    if last_place - last.last_place > MOST_RECORDS:  # places may have gaps
        nth = transaction.fetch(_NTH_NEW, [last.last_place, MOST_RECORDS - 1])
        last_place = nth[0][0] if nth else last_place
    return Cover(now, last, last_place, *_ledger_end(transaction))


def covered_by(source: Fetches, cover: Cover) -> Covered:
    """Needs no lock, and takes some microseconds a record."""
    new = source.fetch(_NEW, [cover.previous.last_place, cover.last_place])
    ordered = sorted(new, key=lambda row: (row[0].encode(), row[1]))
    root = root_of([bytes(row[2]) for row in ordered])
    return Covered(cover, tuple(_ranges(ordered)), len(ordered), root.hex())


def sign_head(transaction: Transaction, key: SigningKey, covered: Covered) -> SignedHead | None:
    """The next head; None when another one was made meanwhile."""
    cover = covered.cover
    if _last(transaction).number != cover.previous.number:
        return None
    head = Head(
        number=cover.previous.number + 1,
        made_at=cover.made_at,
        previous_sha256=cover.previous.sha256,
        key_id=key.key_id,
        streams=covered.streams,
        records=covered.records,
        merkle_root=covered.merkle_root,
        ledger_position=cover.ledger_position,
        ledger_link=cover.ledger_link.hex(),
    )
    content = encode_canonical(head)
    signed = SignedHead(head.number, cover.last_place, content, key.sign(content))
    transaction.execute("INSERT INTO audit_heads VALUES (?, ?, ?, ?)", signed)
    return signed


def add_head(transaction: Transaction, key: SigningKey, now: Micros) -> SignedHead:
    """The next head, all under one lock."""
    signed = sign_head(transaction, key, covered_by(transaction, next_cover(transaction, now)))
    if signed is None:
        raise AssertionError("the lock keeps other heads out")
    return signed


def last_number(source: Fetches) -> int:
    """0 before the first head."""
    return _last(source).number


def heads_after(tables: Tables, number: int) -> Generator[SignedHead, None, None]:
    """By number."""
    for row in tables.rows(_AFTER, [number]):
        yield SignedHead._make(row)


def _ranges(ordered: Sequence[tuple[Any, ...]]) -> list[StreamRange]:
    ranges = []
    for stream, rows in groupby(ordered, key=lambda row: row[0]):
        first, *others = rows
        last = others[-1] if others else first
        ranges.append(StreamRange(stream=stream, first=first[1], last=last[1], link=last[2].hex()))
    return ranges


def _ledger_end(source: Fetches) -> tuple[int, bytes]:
    found = source.fetch(_LEDGER)
    return (found[0][0], bytes(found[0][1])) if found else (0, FIRST_LINK)
