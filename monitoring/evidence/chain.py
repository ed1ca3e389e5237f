"""A stretch of the audit log on its own: whole heads, their records, and the links before them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from features.clock import Micros
from features.ledger import Tables
from features.signing import SignatureWrong, VerifyingKey
from serving.audit.chain import FIRST_LINK, link_of
from serving.audit.entries import encode_canonical
from serving.audit.heads import Head, decode_head, heads_after
from serving.audit.merkle import root_of
from serving.audit.period import places_between

RECORDS, HEADS, BEFORE, KEYS = (
    "audit/records.jsonl",
    "audit/heads.jsonl",
    "audit/before.jsonl",
    "audit/keys.jsonl",
)
_RECORDS = (
    "SELECT stream, number, content, link FROM audit_records WHERE place > ? AND place <= ?"
    " ORDER BY stream, number"
)
_BEFORE = "SELECT link FROM audit_records WHERE stream = ? AND number = ?"
_encode = msgspec.json.Encoder(order="sorted").encode


class Line(msgspec.Struct, frozen=True):
    """A record, as every export has it."""

    stream: str
    number: int
    content: str
    link: str


class HeadLine(msgspec.Struct, frozen=True):
    number: int
    content: str
    signature: str


class BeforeLine(msgspec.Struct, frozen=True):
    """What the first record of a stream here is linked to."""

    stream: str
    number: int
    link: str


class Counts(NamedTuple):
    records: int
    heads: int
    pending: int


def write_stretch(
    tables: Tables, since: Micros, until: Micros, keys: Sequence[VerifyingKey], folder: Path
) -> int:
    """Everything from the first head of the time to the last, and what no head covers yet.

    That is some minutes more than the time at either end, so that every head is whole.

    Returns:
        How many records.
    """
    (folder / "audit").mkdir()
    before, last = (0, -1)
    if tables.has("audit_records"):
        before, last = places_between(tables, since, until)
    firsts: dict[str, int] = {}

    def records() -> Iterator[Line]:
        for stream, number, content, link in tables.rows(_RECORDS, [before, last]):
            firsts.setdefault(stream, number)
            yield Line(stream, number, bytes(content).decode(), bytes(link).hex())

    count = _write(folder / RECORDS, records() if last >= 0 else ())
    heads = heads_after(tables, 0) if last >= 0 else ()
    _write(
        folder / HEADS,
        (
            HeadLine(head.number, bytes(head.content).decode(), bytes(head.signature).hex())
            for head in heads
            if before < head.last_place <= last
        ),
    )
    _write(folder / BEFORE, (_before(tables, *first) for first in firsts.items()))
    _write(folder / KEYS, ({"key_id": k.key_id, "public": k.public.hex()} for k in keys))
    return count


def problems(folder: Path, trusted: Sequence[VerifyingKey]) -> tuple[list[str], Counts]:
    """What does not hold of a stretch, one sentence each."""
    found: list[str] = []
    before = {line.stream: line for line in _read(folder / BEFORE, BeforeLine)}
    links = _check_records(_read(folder / RECORDS, Line), before, found)
    keys = {key.key_id: key for key in trusted}
    covered, heads, previous = 0, 0, None
    for line in _read(folder / HEADS, HeadLine):
        heads += 1
        content = line.content.encode()
        head = decode_head(content)
        if encode_canonical(head) != content or head.number != line.number:
            found.append(f"head {line.number} is not canonical JSON of this head")
        if previous is not None and head.previous_sha256 != previous:
            found.append(f"head {line.number} does not name the head before it")
        previous = sha256(content).hexdigest()
        _check_signature(line, head, keys, found)
        covered += _check_cover(head, links, found)
    records = sum(len(of_stream) for of_stream in links.values())
    return found, Counts(records, heads, records - covered)


Links = Mapping[str, Mapping[int, bytes]]


def _check_records(
    lines: Iterable[Line], before: Mapping[str, BeforeLine], found: list[str]
) -> Links:
    links: dict[str, dict[int, bytes]] = defaultdict(dict)
    last: dict[str, tuple[int, bytes]] = {}
    for line in lines:
        start = before.get(line.stream)
        number, link = last.get(
            line.stream, (0, FIRST_LINK) if start is None else (start.number, _hex(start.link))
        )
        content = line.content.encode()
        said = msgspec.json.decode(content)
        if (said.get("stream"), said.get("number")) != (line.stream, line.number):
            found.append(f"record {line.number} of {line.stream} says that it is another")
        if line.number != number + 1 or link_of(link, content).hex() != line.link:
            found.append(f"record {line.number} of {line.stream} is not what was chained there")
        last[line.stream] = (line.number, _hex(line.link))
        links[line.stream][line.number] = _hex(line.link)
    return links


def _check_signature(
    line: HeadLine, head: Head, keys: Mapping[str, VerifyingKey], found: list[str]
) -> None:
    try:
        keys[head.key_id].verify(_hex(line.signature), line.content.encode())
    except (KeyError, SignatureWrong):
        found.append(f"head {line.number} is not signed by a key that is believed")


def _check_cover(head: Head, links: Links, found: list[str]) -> int:
    """How many records it covers; says so when it was made over other ones."""
    leaves = []
    for span in head.streams:
        of_stream = links.get(span.stream, {})
        mine = [of_stream.get(number) for number in range(span.first, span.last + 1)]
        if None in mine or not mine or (mine[-1] or b"").hex() != span.link:
            found.append(f"head {head.number}: records of {span.stream} are gone, or others")
            return 0
        leaves += [link for link in mine if link is not None]
    if len(leaves) != head.records or root_of(leaves).hex() != head.merkle_root:
        found.append(f"head {head.number} was made over other records")
    return len(leaves)


def _before(tables: Tables, stream: str, first: int) -> BeforeLine:
    link = FIRST_LINK
    if first > 1:
        ((found,),) = tables.fetch(_BEFORE, [stream, first - 1])
        link = bytes(found)
    return BeforeLine(stream, first - 1, link.hex())


def _hex(text: str) -> bytes:
    return bytes.fromhex(text)


def _write(path: Path, lines: Iterable[Any]) -> int:
    written = 0
    with path.open("wb", buffering=1 << 20) as file:
        for line in lines:
            file.write(_encode(line) + b"\n")
            written += 1
    return written


def _read(path: Path, line_type: Any) -> Iterator[Any]:
    decode = msgspec.json.Decoder(line_type).decode
    with path.open("rb") as file:
        for line in file:
            yield decode(line)
