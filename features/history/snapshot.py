"""Live history in one file: a header that says what is in it, then the bytes of its arrays.

::

    8 bytes    FLDHIST1
    8 bytes    length of the header
    32 bytes   SHA-256 of the header
    header     JSON: ``_Header``, with the SHA-256 of every array
    arrays     one after the other, to the last byte of the file

Nothing is unpickled, and nothing is believed before every byte was compared with its checksum. A
snapshot is only a shortcut (ADR 10): whatever is wrong with one, it is refused, and the same state
is replayed from the ledger. Checksums find accidents. Against people there is the file's mode: it
is its owner's alone, like the ledger, and one that others could have changed is refused.

Rows that state only has to grow into are not in it. They are there again when it is read: what is
written is read into its place at the beginning of memory that is set aside.
"""

import fcntl
import inspect
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from hashlib import sha256
from itertools import accumulate
from math import prod
from pathlib import Path
from struct import Struct
from typing import Any, BinaryIO, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.clock import Micros
from features.errors import ForelandError
from features.history import (
    carriage,
    compiling,
    kernel,
    layout,
    link_kernel,
    link_reading,
    link_tables,
    links,
    live_kernel,
    online,
    readers,
    roles,
    statistics,
    tables,
    view,
)
from features.history import frozen as frozen_module
from features.history.frozen import Frozen, FrozenTable, Movements, Texts, Versions
from features.history.link_tables import Graph, room_for_ends, room_for_links, room_for_sides
from features.history.statistics import GRADES, Grade
from features.history.tables import room_for_nodes, room_for_words
from features.ledger import events as events_module
from features.records import KINDS

Array = NDArray[Any]

FORMAT = 1
_MAGIC = b"FLDHIST1"
_PREFIX = Struct(">8sQ32s")
GRAPH = "graph"
_ROOM_OF_GRAPH: Mapping[str, Callable[[int], Array]] = {
    "links": room_for_links,
    "ends": room_for_ends,
    "ties": room_for_sides,
}
_DTYPES = frozenset({"<i8", "<i4", "<u8", "|u1"})
_CHUNK_BYTES = 1 << 18
THREADS = 2
"""Hashing is most of the time that reading takes, and leaves the interpreter to others."""
_STATE_MAKERS = (
    frozen_module,
    carriage,
    compiling,
    kernel,
    layout,
    link_kernel,
    link_reading,
    link_tables,
    links,
    live_kernel,
    online,
    readers,
    roles,
    statistics,
    tables,
    view,
    events_module,
)
"""The modules that say what state is; a change of one letter in them is another state."""


class SnapshotRefused(ForelandError):
    """The file is not taken for history; the text says why."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One array."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    sha256: str


class _Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: int
    logic_sha256: str
    """Of the code and the roles that made the state."""
    epoch: int
    position: int
    link: str
    """The ledger's own at that position, hexadecimal."""
    applied_to: Micros | None
    newest: dict[str, Micros]
    newest_outcome: dict[str, Micros]
    parts: tuple[_Part, ...]


class Snapshot(NamedTuple):
    frozen: Frozen
    link: bytes


@cache
def logic_sha256() -> str:
    """Changes with the roles, and with any line of the code that makes state."""
    digest = sha256(repr([roles.roles_of(kind) for kind in KINDS]).encode())
    for module in (*_STATE_MAKERS, sys.modules[__name__]):
        digest.update(inspect.getsource(module).encode())
    return digest.hexdigest()


logic_sha256()  # now, while the files are those that were imported: an upgrade may replace them


def write_snapshot(path: Path, frozen: Frozen, link: bytes) -> None:
    """Durably, and the whole file or the one that was there before.

    Args:
        link: of the ledger at ``frozen.position``.
    """
    arrays = dict(_arrays(frozen))
    digests = _digests(arrays.values())
    header = _Header(
        format=FORMAT,
        logic_sha256=logic_sha256(),
        epoch=frozen.epoch,
        position=frozen.position,
        link=link.hex(),
        applied_to=frozen.applied_to,
        newest=dict(frozen.newest),
        newest_outcome=dict(frozen.newest_outcome),
        parts=tuple(
            _Part(name, array.dtype.str, array.shape, digest)
            for (name, array), digest in zip(arrays.items(), digests, strict=True)
        ),
    )
    body = msgspec.json.encode(header)
    with _aside(path) as file:
        file.write(_PREFIX.pack(_MAGIC, len(body), sha256(body).digest()))
        file.write(body)
        for array in arrays.values():
            file.write(_bytes(array))


def read_snapshot(path: Path) -> Snapshot:
    """
    Raises:
        SnapshotRefused: it is torn, altered, open to others, or not of this code.
        FileNotFoundError: there is none.
    """
    with path.open("rb", buffering=0) as file:
        _check_owner(path, file)
        header = _header(file)
        starts = accumulate(map(_bytes_of, header.parts), initial=file.tell())
        with ThreadPoolExecutor(THREADS) as pool:
            read = partial(_read_array, file.fileno())
            arrays = pool.map(read, header.parts, starts)
            named = dict(zip((part.name for part in header.parts), arrays, strict=True))
    try:
        return Snapshot(_frozen(header, named), bytes.fromhex(header.link))
    except (KeyError, TypeError, ValueError) as exc:
        raise SnapshotRefused(f"its arrays are not those of history ({exc!r})") from exc


def remove_snapshots(directory: Path) -> int:
    """All in the directory, half-written ones too; how many there were."""
    if not directory.is_dir():
        return 0
    with _one_writer(directory) as descriptor:
        found = [*directory.glob("*.snapshot"), *directory.glob(".*.snapshot.*")]
        for path in found:
            path.unlink()
        os.fsync(descriptor)
    return len(found)


def _header(file: BinaryIO) -> _Header:
    size = os.fstat(file.fileno()).st_size
    prefix = file.read(_PREFIX.size)
    if len(prefix) < _PREFIX.size:
        raise SnapshotRefused("it is torn")
    magic, length, digest = _PREFIX.unpack(prefix)
    if magic != _MAGIC:
        raise SnapshotRefused("it is no snapshot, or one of another version")
    if length > size:
        raise SnapshotRefused("it is torn")
    body = file.read(length)
    if sha256(body).digest() != digest:
        raise SnapshotRefused("its header is not what was written")
    try:
        header = msgspec.json.decode(body, type=_Header)
    except msgspec.MsgspecError as exc:
        raise SnapshotRefused(f"its header is of another version ({exc})") from exc
    if header.format != FORMAT or header.logic_sha256 != logic_sha256():
        raise SnapshotRefused("another version of the program wrote it")
    expected = _PREFIX.size + length + sum(map(_bytes_of, header.parts))
    if size != expected:
        raise SnapshotRefused(f"it has {size:,} bytes of {expected:,}: it is torn")
    return header


def _bytes_of(part: _Part) -> int:
    if part.dtype not in _DTYPES or not part.shape or min(part.shape) < 0:
        raise SnapshotRefused(f"its array {part.name} cannot be read")
    return prod(part.shape) * np.dtype(part.dtype).itemsize


def _read_array(descriptor: int, part: _Part, start: int) -> Array:
    """One array, verified, with room after it if it is of state.

    Raises:
        SnapshotRefused: it is not what was written.
    """
    array, digest, done = _room(part), sha256(), 0
    there = _bytes(array[: part.shape[0]])
    while done < len(there):  # hashed while it is still in the processor's cache
        chunk = there[done : done + _CHUNK_BYTES]
        read = os.preadv(descriptor, [chunk], start + done)
        if not read:
            raise SnapshotRefused("it is torn")
        digest.update(chunk[:read])
        done += read
    if digest.hexdigest() != part.sha256:
        raise SnapshotRefused(f"its array {part.name} is not what was written")
    return array


def _room(part: _Part) -> Array:
    grade, _, field = part.name.partition(".")
    rows = part.shape[0]
    room: Array = np.empty(part.shape, dtype=part.dtype)
    if grade in GRADES and field == "words":
        room = room_for_words(grade, rows)
    elif grade in GRADES and field == "nodes":
        room = room_for_nodes(rows)
    elif grade == GRAPH:
        room = _ROOM_OF_GRAPH[field](rows)
    if (room.dtype.str, room.shape[1:]) != (part.dtype, part.shape[1:]):
        raise SnapshotRefused(f"its array {part.name} is of another shape")
    return room


def _digests(arrays: Iterable[Array]) -> list[str]:
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(_digest, arrays))


def _digest(array: Array) -> str:
    return sha256(_bytes(array)).hexdigest()


def _bytes(array: Array) -> memoryview:
    return array.data.cast("B") if array.size else memoryview(b"")


def _arrays(frozen: Frozen) -> Iterator[tuple[str, Array]]:
    """By name, each in the byte order of the file."""
    for grade, table in frozen.tables.items():
        yield from _fields_arrays(grade, table)
    yield from _fields_arrays(GRAPH, frozen.graph)
    yield from _fields_arrays("versions", frozen.versions)
    yield from _fields_arrays("movements", frozen.movements)
    yield from _fields_arrays("carriage", frozen.carriage)
    yield "waiting", np.array(frozen.waiting, dtype=np.int64)


def _fields_arrays(name: str, value: Any) -> Iterator[tuple[str, Array]]:
    """Of a named tuple of arrays, and of such tuples of arrays."""
    if isinstance(value, np.ndarray):
        yield name, np.ascontiguousarray(value)
        return
    for field, inner in zip(value._fields, value, strict=True):
        yield from _fields_arrays(f"{name}.{field}", inner)


def _frozen(header: _Header, arrays: Mapping[str, Array]) -> Frozen:
    def texts(name: str) -> Texts:
        return Texts(arrays[f"{name}.blob"], arrays[f"{name}.ends"])

    def table(grade: Grade) -> FrozenTable:
        found = FrozenTable(
            texts(f"{grade}.keys"), arrays[f"{grade}.words"], arrays[f"{grade}.nodes"]
        )
        if len(found.words) <= len(found.keys.ends) or len(found.nodes) <= found.nodes[0, 0]:
            raise ValueError(f"{grade} has more keys or instants than rows")
        return found

    def graph(entities: int) -> Graph:
        found = Graph(*(arrays[f"{GRAPH}.{field}"] for field in Graph._fields))
        enough = (
            len(found.links) > found.links_used
            and len(found.ends) > entities
            and len(found.ties) >= found.sides_used
        )
        if not enough:
            raise ValueError("there are more links, ends or ties than rows")
        return found

    def movements(field: str) -> Any:
        name = f"movements.{field}"
        return arrays[name] if name in arrays else texts(name)

    its_tables = {grade: table(grade) for grade in GRADES}
    return Frozen(
        position=header.position,
        epoch=header.epoch,
        applied_to=header.applied_to,
        newest=header.newest,
        newest_outcome=header.newest_outcome,
        tables=its_tables,
        graph=graph(len(its_tables["entity"].keys.ends)),
        versions=Versions(arrays["versions.keys"], arrays["versions.ends"]),
        movements=Movements(*map(movements, Movements._fields)),
        carriage=texts("carriage"),
        waiting=arrays["waiting"].tolist(),
    )


@contextmanager
def _aside(path: Path) -> Iterator[BinaryIO]:
    """Write beside, then put in place; what a killed writer left beside is cleared away."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with _one_writer(path.parent) as directory:
        for left in path.parent.glob(f".{path.name}.*"):
            left.unlink()
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        os.fsync(directory)


@contextmanager
def _one_writer(directory: Path) -> Iterator[int]:
    """The directory's descriptor, locked; the lock goes when the process does."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _check_owner(path: Path, file: BinaryIO) -> None:
    status = os.fstat(file.fileno())
    if stat.S_IMODE(path.parent.stat().st_mode) & 0o022:
        raise SnapshotRefused(f"others can write to {path.parent}; run `chmod 700 {path.parent}`")
    if stat.S_IMODE(status.st_mode) & 0o077 or status.st_uid != os.geteuid():
        raise SnapshotRefused(f"it is open to others; run `chmod 600 {path}`, or remove it")
