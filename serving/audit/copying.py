"""A copy of the log for verifiers of their own: records, heads and public keys, nothing sealed."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from features.errors import InputError
from features.ledger import LedgerDamaged, Tables, open_tables
from features.signing import VerifyingKey
from serving.audit.heads import BEFORE_ALL, heads_after

_RECORDS = "SELECT stream, number, content, link FROM audit_records ORDER BY stream, number"
_encode = msgspec.json.Encoder(order="sorted").encode
_LINES = 1_000


def export(ledger_url: str, out: Path, keys: Sequence[VerifyingKey]) -> tuple[int, int]:
    """Write ``records.jsonl``, ``heads.jsonl`` and ``keys.jsonl``; how many records and heads.

    Args:
        keys: whose heads are believed here. Whoever verifies should have them from elsewhere.

    Raises:
        InputError: ``out`` holds something already.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} holds something already; give a new or an empty directory")
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    public = ({"key_id": key.key_id, "public": key.public.hex()} for key in keys)
    _write(out / "keys.jsonl", public)
    with closing(open_tables(ledger_url)) as tables, tables.snapshot():
        records = _write(out / "records.jsonl", _records(tables))
        heads = _write(out / "heads.jsonl", _heads(tables))
    return records, heads


def _records(tables: Tables) -> Iterator[dict[str, Any]]:
    """The content as text: exactly its bytes, in UTF-8, are what is linked."""
    for stream, number, content, link in tables.rows(_RECORDS):
        said = _text(content)
        yield {"stream": stream, "number": number, "content": said, "link": link.hex()}


def _heads(tables: Tables) -> Iterator[dict[str, Any]]:
    for head in heads_after(tables, BEFORE_ALL):
        said, signature = _text(head.content), head.signature.hex()
        yield {"number": head.number, "content": said, "signature": signature}


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except (UnicodeDecodeError, AttributeError) as exc:
        raise LedgerDamaged(
            "a record or a head is no text, so there is nothing to export; `foreland audit verify` "
            "says which"
        ) from exc


def _write(path: Path, lines: Iterable[dict[str, Any]]) -> int:
    written = 0
    with path.open("wb", buffering=1 << 20) as file:
        for line in lines:
            file.write(_encode(line) + b"\n")
            written += 1
    return written
