"""The proof that one assessment is in the audit log, which its reader can verify without us."""

from collections.abc import Sequence

import msgspec

from features.errors import ForelandError
from features.ledger import Tables
from features.signing import SignatureWrong, VerifyingKey
from serving.audit.chain import FIRST_LINK, link_of
from serving.audit.entries import Assessed, decode_record
from serving.audit.heads import Head, decode_head
from serving.audit.merkle import path_to, root_by_path
from serving.wire.proof import ProofMessage, SignedHeadMessage

_RECORD = (
    "SELECT r.stream, r.number, r.content, r.link, r.place FROM assessments a"
    " JOIN audit_records r ON r.stream = a.stream AND r.number = a.stream_number"
    " WHERE a.score_id = ?"
)
_LINK = "SELECT link FROM audit_records WHERE stream = ? AND number = ?"
_LINKS = (
    "SELECT number, link FROM audit_records WHERE stream = ? AND number BETWEEN ? AND ?"
    " ORDER BY number"
)
_HEAD = (
    "SELECT content, signature FROM audit_heads WHERE last_place >= ?"
    " ORDER BY last_place, number LIMIT 1"
)


class ProofRefused(ForelandError):
    """A proof that does not hold."""


def proof_of(tables: Tables, score_id: str) -> ProofMessage | None:
    """None when no assessment has this id, or it is from before there were records.

    Whose assessment it is must have been asked before (``AuditLog.of_agency``).
    """
    with tables.snapshot():
        found = tables.fetch(_RECORD, [score_id])
        if not found:
            return None
        stream, number, content, link, place = found[0]
        before = tables.fetch(_LINK, [stream, number - 1]) if number > 1 else [(FIRST_LINK,)]
        signed = tables.fetch(_HEAD, [place])
        return ProofMessage(
            score_id=score_id,
            status="covered" if signed else "pending",
            stream=stream,
            number=number,
            content=content.decode(),
            previous_link=before[0][0].hex(),
            link=link.hex(),
            head=_covering(tables, stream, number, *signed[0]) if signed else None,
        )


def check_proof(proof: ProofMessage, trusted: Sequence[VerifyingKey]) -> Head | None:
    """The head that vouches for the record; None while it is pending.

    Raises:
        ProofRefused: record, path, head and signature do not belong together.
    """
    link = link_of(bytes.fromhex(proof.previous_link), proof.content.encode())
    if link.hex() != proof.link or not _is_about(proof):
        raise ProofRefused("the record is not the one that was chained there; do not rely on it")
    if proof.head is None:
        return None
    content = proof.head.content.encode()
    try:
        head = decode_head(content)
    except msgspec.MsgspecError as exc:
        raise ProofRefused("the head is none that this program knows") from exc
    path = [bytes.fromhex(beside) for beside in proof.head.path]
    root = root_by_path(link, proof.head.leaf_index, head.records, path)
    if root is None or root.hex() != head.merkle_root:
        raise ProofRefused("the head does not cover the record; do not rely on it")
    _check_signature(head.key_id, bytes.fromhex(proof.head.signature), content, trusted)
    return head


def _is_about(proof: ProofMessage) -> bool:
    try:
        said = decode_record(proof.content)
    except msgspec.MsgspecError:
        return False
    place = (said.stream, said.number) == (proof.stream, proof.number)
    return place and isinstance(said.entry, Assessed) and said.entry.score_id == proof.score_id


def _check_signature(
    key_id: str, signature: bytes, content: bytes, trusted: Sequence[VerifyingKey]
) -> None:
    key = next((key for key in trusted if key.key_id == key_id), None)
    if key is None:
        raise ProofRefused(f"the head is signed by key {key_id}, which is not believed here")
    try:
        key.verify(signature, content)
    except SignatureWrong as exc:
        raise ProofRefused(f"the head is {exc}") from exc


def _covering(
    tables: Tables, stream: str, number: int, content: bytes, signature: bytes
) -> SignedHeadMessage:
    head = decode_head(content)
    leaves: list[bytes] = []
    index = 0
    for span in head.streams:
        if span.stream == stream:
            index = len(leaves) + number - span.first
        leaves.extend(row[1] for row in tables.fetch(_LINKS, [span.stream, span.first, span.last]))
    return SignedHeadMessage(
        content=content.decode(),
        signature=signature.hex(),
        leaf_index=index,
        path=tuple(beside.hex() for beside in path_to(index, leaves)),
    )
