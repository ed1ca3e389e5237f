"""Events in files, one on each line (NDJSON), for agencies without a line between them.

A file is believed by the signatures in it, as what comes over the network is, whoever brought it.
"""

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from features.clock import now_micros
from features.ledger import Ledger
from features.records import Problem
from features.signing import SigningKey
from serving.audit import AuditStream, new_stream_name
from serving.auth.access import LOCAL
from serving.exchange.incoming import Judged, Refused, Sent, judge, keep
from serving.exchange.outbox import Outbox
from serving.exchange.outgoing import Sender
from serving.exchange.partners import Partners
from serving.exchange.worker import refusals_of
from serving.problems import RequestRefused
from serving.strict_json import parse_strictly
from serving.wire.exchange import EventReceipt

LINES_A_COMMIT = 200
LONGEST_LINE_BYTES = 1 << 20


class Written(NamedTuple):
    events: int
    position: int
    """Of the ledger: whoever has the file knows everything up to it that is for it."""


def write_events(
    path: Path, outbox: Outbox, sender: Sender, key: SigningKey, after_position: int
) -> Written:
    """All that is for the partner after a position. The file is whole or not there."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    events, position, ended = 0, after_position, False
    try:
        with aside.open("xb") as file:
            while not ended:
                batch = outbox.batch(sender, key, position)
                file.writelines(one.body + b"\n" for one in batch.events)
                events, position = events + len(batch.events), batch.position_up_to
                ended = batch.is_last
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    return Written(events, position)


def read_events(
    path: Path, ledger: Ledger, partners: Partners
) -> Iterator[tuple[int, EventReceipt]]:
    """Number of a line, from 1, and what became of its event; a bad one stops no other.

    A commit at a time: reading the file again after an interruption brings duplicates alone.
    """
    stream = AuditStream(new_stream_name("exchange-import"))
    with path.open("rb") as file:
        numbered = enumerate(iter(lambda: file.readline(LONGEST_LINE_BYTES + 1), b""), 1)
        while chunk := list(islice(numbered, LINES_A_COMMIT)):
            lines = [(number, line) for number, line in chunk if line.strip()]
            receipts = _kept([line for _, line in lines], ledger, partners, stream)
            yield from zip((number for number, _ in lines), receipts, strict=True)


def _kept(
    lines: Sequence[bytes], ledger: Ledger, partners: Partners, stream: AuditStream
) -> list[EventReceipt]:
    now = now_micros()
    judged = [one for line in lines for one in _judged(line, partners, now)]
    with ledger.transaction() as transaction:
        receipts = keep(judged, now, transaction)
        note = refusals_of(judged, LOCAL)
        if note is not None:
            stream.note(transaction, note)
    return receipts


def _judged(line: bytes, partners: Partners, now: int) -> list[Judged]:
    try:
        row = parse_strictly(line)
    except RequestRefused as exc:
        return [Refused(None, Problem(exc.code, "", str(exc)))]
    return judge([Sent(row, line.strip())], partners, LOCAL, now)
