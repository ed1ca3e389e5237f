"""The heads: one after the other, signed, as exported, and what they say each stream holds."""

from collections.abc import Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import msgspec

from features.ledger import Tables
from features.signing import SignatureWrong, VerifyingKey
from serving.audit.entries import encode_canonical
from serving.audit.exported import file_bytes, file_name, read_exported
from serving.audit.heads import (
    BEFORE_ALL,
    FIRST_PREVIOUS,
    Head,
    SignedHead,
    decode_head,
    heads_after,
)
from serving.audit.verification.coverage import Coverage
from serving.audit.verification.findings import Finding, Found

_LINK = "SELECT link FROM events WHERE position = ?"
_FIRST_LINK = bytes(32).hex()


class HeadWalk:
    """Checks heads by number, from the first, and collects what they cover."""

    def __init__(self, tables: Tables, trusted: Sequence[VerifyingKey], found: Found) -> None:
        self._tables = tables
        self._trusted = {key.key_id: key for key in trusted}
        self._found = found
        self._number = 0
        self._previous = FIRST_PREVIOUS
        self._ledger_position = 0
        self._key_ids: list[str] = []
        self.coverage = Coverage(found)

    def walk(self) -> int:
        """The number of heads."""
        heads = 0
        for signed in heads_after(self._tables, BEFORE_ALL):
            heads += 1
            self._check(signed)
        return heads

    def _check(self, signed: SignedHead) -> None:
        place = f"head {signed.number}"
        if signed.number != self._number + 1:
            self._found(Finding("head_missing", f"{place} follows head {self._number}"))
        self._number = signed.number
        if not _is_of_bytes(signed):
            self._found(Finding("head_malformed", f"{place} has a column of another type"))
            return
        previous, self._previous = self._previous, sha256(signed.content).hexdigest()
        head = _readable(signed)
        if head is None or head.number != signed.number:
            self._found(Finding("head_changed", f"{place} is not what was made under this number"))
            return
        if head.previous_sha256 != previous:
            self._found(Finding("head_unlinked", f"{place} does not name the head before it"))
        self._check_signature(place, head, signed)
        self._check_ledger(place, head)
        self.coverage.add(head, signed.last_place)

    def _check_signature(self, place: str, head: Head, signed: SignedHead) -> None:
        key = self._trusted.get(head.key_id)
        if key is None:
            self._found(
                Finding(
                    "key_unknown",
                    f"{place} is signed by key {head.key_id}, which is not believed here",
                    "pin it in audit_keys if it is yours; if not, somebody else made this head",
                )
            )
            return
        try:
            key.verify(signed.signature, signed.content)
        except SignatureWrong:
            self._found(Finding("head_not_signed", f"{place} has no good signature"))
        if head.key_id not in self._key_ids:
            self._key_ids.append(head.key_id)
        elif head.key_id != self._key_ids[-1]:
            self._found(
                Finding("key_superseded", f"{place} is signed by key {head.key_id}, rotated out")
            )

    def _check_ledger(self, place: str, head: Head) -> None:
        position = head.ledger_position
        if position < self._ledger_position:
            self._found(Finding("ledger_shrank", f"{place} saw the ledger end at {position}"))
        self._ledger_position = position
        rows = self._tables.fetch(_LINK, [position])
        link = rows[0][0].hex() if rows else (_FIRST_LINK if position == 0 else None)
        if link is None:
            self._found(
                Finding("ledger_shortened", f"{place} saw position {position}, which is gone")
            )
        elif link != head.ledger_link:
            self._found(
                Finding("ledger_changed", f"{place} saw another ledger up to position {position}")
            )


def check_exported(tables: Tables, directory: Path, found: Found) -> int:
    """Compare the heads with their copies; the last head that is exported, 0 without any."""
    last = 0
    with closing(heads_after(tables, 0)) as stored:
        here = next(stored, None)
        for number, content in read_exported(directory):
            name = directory / file_name(number)
            if number != last + 1:
                gap = f"{directory} has head {number} after head {last}"
                found(Finding("export_missing", gap, "find the files that were taken away"))
            last = number
            while here is not None and here.number < number:
                here = next(stored, None)
            if here is None or here.number != number:
                found(Finding("head_gone", f"{name} is a head that the database does not have"))
            elif not _is_of_bytes(here) or file_bytes(here) != content:
                found(Finding("export_differs", f"{name} is not the head of this number"))
    return last


def _is_of_bytes(signed: SignedHead) -> bool:
    """SQLite takes any type in any column."""
    return isinstance(signed.content, bytes) and isinstance(signed.signature, bytes)


def _readable(signed: SignedHead) -> Head | None:
    """None unless its bytes are those that a head of today is written in."""
    try:
        head = decode_head(signed.content)
    except msgspec.MsgspecError:
        return None
    return head if encode_canonical(head) == signed.content else None
