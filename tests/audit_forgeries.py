"""Changes to an audit log by somebody who knows how it is made, up to the signatures."""

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from features.signing import SigningKey
from serving.audit.chain import FIRST_LINK, link_of
from serving.audit.entries import encode_canonical
from serving.audit.heads import SignedHead, decode_head
from serving.audit.merkle import root_of

Change = Callable[[sqlite3.Connection, Path], None]
STRANGER = SigningKey(b"s" * 32)


class Manipulation(NamedTuple):
    name: str
    change: Change
    export_shows: bool


def covered_up_to(database: sqlite3.Connection) -> int:
    """The last place that a head covers."""
    return int(database.execute("SELECT max(last_place) FROM audit_heads").fetchone()[0])


def exported_up_to(database: sqlite3.Connection) -> int:
    """The last place that an exported head covers: all heads but the last are exported."""
    found = "SELECT last_place FROM audit_heads ORDER BY number DESC LIMIT 1 OFFSET 1"
    return int(database.execute(found).fetchone()[0])


def rechained(database: sqlite3.Connection) -> Iterator[Manipulation]:
    """A record that a head covers says something else, and its stream is chained anew."""
    covered = covered_up_to(database)
    found = "SELECT stream, number FROM audit_records WHERE place <= ?"
    for stream, number in database.execute(found, [covered]).fetchall():
        for agency in ("customs", ""):
            change = partial(_rechain, stream, number, agency)
            yield Manipulation(f"{stream} {number} and all after it", change, True)


def _rechain(stream: str, number: int, agency: str, database: sqlite3.Connection, _: Path) -> None:
    link = FIRST_LINK
    rows = "SELECT place, number, content FROM audit_records WHERE stream = ? ORDER BY number"
    for place, at, content in database.execute(rows, [stream]).fetchall():
        new = content
        if at == number:
            said = msgspec.json.decode(content)
            said["entry"]["agency"] = agency
            new = encode_canonical(said)
        link = link_of(link, new)
        update = "UPDATE audit_records SET content = ?, link = ? WHERE place = ?"
        database.execute(update, (new, link, place))


def heads_made_anew(database: sqlite3.Connection, key: SigningKey) -> Iterator[Manipulation]:
    """What follows from a changed record is made anew, up to the signatures."""
    covered = "SELECT stream, number FROM audit_records WHERE place <= ? ORDER BY place"
    for stream, number in database.execute(covered, [exported_up_to(database)]).fetchall():
        for name, signer in (("a stranger's key", STRANGER), ("the key itself", key)):

            def change(
                database: sqlite3.Connection,
                exported: Path,
                where: tuple[str, int] = (stream, number),
                signer: SigningKey = signer,
            ) -> None:
                _rechain(*where, "customs", database, exported)
                _sign_anew(signer, database)

            yield Manipulation(f"{stream} {number} and the heads, with {name}", change, True)
    for signer in (STRANGER, key):

        def signed(database: sqlite3.Connection, _: Path, signer: SigningKey = signer) -> None:
            heads = database.execute("SELECT number, content FROM audit_heads").fetchall()
            for number, content in heads:
                database.execute(
                    "UPDATE audit_heads SET signature = ?, content = ? WHERE number = ?",
                    (signer.sign(content + b" "), content + b" ", number),
                )

        yield Manipulation("heads with a space more, signed", signed, True)


def last_head_lies(key: SigningKey) -> Iterator[Manipulation]:
    """The head that is not exported yet says something else, signed with the key itself."""
    for field, value, shown in (
        ("merkle_root", "0" * 64, True),
        ("records", 7, True),
        ("previous_sha256", "0" * 64, True),
        ("number", 5, True),
        ("streams", (), True),
        ("ledger_position", 10**6, False),
        ("ledger_position", 1, False),
        ("ledger_link", "0" * 64, False),
    ):
        change = partial(_lie, key, {field: value})
        yield Manipulation(f"last head with {field} {value}, signed", change, shown)
    for field, value in (("first", 1), ("last", 10**6), ("link", "0" * 64), ("stream", "other")):
        change = partial(_lie_of_stream, key, {field: value})
        yield Manipulation(f"last head with {field} {value} of a stream, signed", change, True)


def _lie(key: SigningKey, changes: dict[str, Any], database: sqlite3.Connection, _: Path) -> None:
    rows = "SELECT number, content FROM audit_heads ORDER BY number DESC LIMIT 1"
    ((number, content),) = database.execute(rows).fetchall()
    new = encode_canonical(msgspec.structs.replace(decode_head(content), **changes))
    assert new != content
    update = "UPDATE audit_heads SET content = ?, signature = ? WHERE number = ?"
    database.execute(update, (new, key.sign(new), number))


def _lie_of_stream(
    key: SigningKey, changes: dict[str, Any], database: sqlite3.Connection, exported: Path
) -> None:
    rows = "SELECT content FROM audit_heads ORDER BY number DESC LIMIT 1"
    ((content,),) = database.execute(rows).fetchall()
    first, *others = decode_head(content).streams
    spans = (msgspec.structs.replace(first, **changes), *others)
    _lie(key, {"streams": spans}, database, exported)


def _sign_anew(signer: SigningKey, database: sqlite3.Connection) -> None:
    previous = None
    rows = "SELECT number, last_place, content FROM audit_heads ORDER BY number"
    for number, last_place, content in database.execute(rows).fetchall():
        head = decode_head(content)
        links: list[bytes] = []
        spans = []
        for span in head.streams:
            found = database.execute(
                "SELECT link FROM audit_records WHERE stream = ? AND number BETWEEN ? AND ?"
                " ORDER BY number",
                (span.stream, span.first, span.last),
            ).fetchall()
            links.extend(link for (link,) in found)
            spans.append(msgspec.structs.replace(span, link=links[-1].hex()))
        made = msgspec.structs.replace(
            head,
            key_id=signer.key_id,
            streams=tuple(spans),
            merkle_root=root_of(links).hex(),
            previous_sha256=head.previous_sha256 if previous is None else previous,
        )
        new = encode_canonical(made)
        previous = sha256(new).hexdigest()
        signed = SignedHead(number, last_place, new, signer.sign(new))
        database.execute(
            "UPDATE audit_heads SET content = ?, signature = ? WHERE number = ?",
            (signed.content, signed.signature, number),
        )
