"""What shows that one assessment is in the audit log."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

_Hex32 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class SignedHeadMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The head of the audit log that covers the record."""

    content: Annotated[
        str, Meta(description="Canonical JSON; its bytes in UTF-8 are what is signed.")
    ]
    signature: Annotated[str, Meta(description="Ed25519, hexadecimal.", pattern="^[0-9a-f]{128}$")]
    leaf_index: Annotated[
        int, Meta(description="Place of the record among those of the head, from 0.", ge=0)
    ]
    path: Annotated[
        tuple[_Hex32, ...],
        Meta(description="Merkle path (RFC 6962) from the record's link up, SHA-256 each."),
    ]


class ProofMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What was recorded of one assessment, and what shows that it was."""

    score_id: Annotated[str, Meta(description="Of the assessment.")]
    status: Annotated[
        Literal["covered", "pending"],
        Meta(description="pending: no head covers the record yet; ask again in some minutes."),
    ]
    stream: Annotated[str, Meta(description="Chain of records that it is in.")]
    number: Annotated[int, Meta(description="Its number in the stream, from 1.", ge=1)]
    content: Annotated[
        str, Meta(description="The record: canonical JSON (RFC 8785), with digests of the answer.")
    ]
    previous_link: Annotated[_Hex32, Meta(description="Link of the record before; zeros at first.")]
    link: Annotated[
        _Hex32, Meta(description="SHA-256 of the previous link's bytes and the content's.")
    ]
    head: Annotated[SignedHeadMessage | None, Meta(description="Null while pending.")]
