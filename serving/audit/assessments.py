"""The table of assessments: what was answered, on what evidence.

A row holds what is needed to recompute the score (feature row, catalogue and bundle, ledger
position) and the answer as it was sent, less the movement's reference: no plain identifier is
kept. Rows are only ever added, in the transaction that adds the movement to the ledger. Feature
row and answer are sealed under the key of that movement's event, so that retention erases all
that is known of a movement by destroying one key; that it was scored, and how, stays.
"""

from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.clock import Micros
from features.ledger.sealing import unseal
from serving.audit.entries import Assessed

STORED = (
    "score_id, kind, movement, movement_version, position, available_at, as_of, ledger_position,"
    " status, probability, band, model_version, bundle_sha256, catalogue_sha256, selection,"
    " challenger, row, body,"
    " client, agency, matches, assessment, because"
)
INSERT = (
    f"INSERT INTO assessments ({STORED}, stream, stream_number)"  # noqa: S608 - our own text
    f" VALUES ({', '.join('?' * (STORED.count(',') + 3))})"
)


class AuditRecord(NamedTuple):
    """One answer, before the ledger has given it a position and a time."""

    score_id: str
    kind: str
    movement: str
    """Pseudonym, as in the ledger."""
    movement_version: int
    as_of: Micros
    ledger_position: int
    status: str
    probability: float | None
    band: str
    model_version: int | None
    bundle_sha256: str | None
    catalogue_sha256: str | None
    selection: str | None
    """``serving.selection.Selected`` as JSON; None for what was recorded before there was one."""
    challenger: str | None
    """What the model in the shadow said, as JSON; None when there was none."""
    row: bytes | None
    """The feature row as little-endian float64, in the catalogue's order."""
    body: bytes
    """The answer as sent, with ``movement_ref`` null."""
    matches: str | None = None
    """Which selectors and rules the movement met, hidden ones too, as JSON; None when none."""
    assessment: int = 1
    """Number of this assessment of the version, from 1."""
    because: str | None = None
    """Why the version was assessed again; None for its first assessment."""


class RecordedAssessment(NamedTuple):
    """One answer as the audit table keeps it."""

    score_id: str
    kind: str
    movement: str
    movement_version: int
    position: int
    available_at: Micros
    as_of: Micros
    ledger_position: int
    status: str
    probability: float | None
    band: str
    model_version: int | None
    bundle_sha256: str | None
    catalogue_sha256: str | None
    selection: str | None
    challenger: str | None
    row: bytes | None
    """None when no model spoke, or when it is erased."""
    body: bytes | None
    """None when retention has erased it."""
    client: str | None
    """Who asked; None for what was recorded before clients had names."""
    agency: str
    """On whose behalf: no other agency gets to see it."""
    matches: str | None = None
    assessment: int = 1
    because: str | None = None


_STORED_NUMBER = np.dtype("<f8")


def row_bytes(row: NDArray[np.float64]) -> bytes:
    return (row if row.dtype == _STORED_NUMBER else row.astype(_STORED_NUMBER)).tobytes()


def entry_of(sealed: RecordedAssessment) -> Assessed:
    """What the chained record says of a row as it is stored, with ``row`` and ``body`` sealed."""
    said: dict[str, Any] = sealed._asdict()
    for name in _WITHIN_A_DIGEST:
        del said[name]
    if sealed.probability is not None:
        said["probability"] = repr(float(sealed.probability))
    return Assessed(
        **said,
        challenger=None,  # clients are given the record as proof
        row_sha256=None if sealed.row is None else sha256(sealed.row).hexdigest(),
        body_sha256=_answer_digest(sealed.body or b"", sealed.challenger, sealed.matches),
    )


_WITHIN_A_DIGEST = ("row", "body", "challenger", "matches")


def _answer_digest(body: bytes, challenger: str | None, matches: str | None) -> str:
    """Vouches for what no client may see, the challenger's words and hidden matches, without
    giving it away, or that there is any: nobody without the sealed answer can compute it."""
    digest = sha256(body)
    # An altered database may hold any type here: then it is a finding.
    if challenger is not None:
        digest = sha256(digest.digest() + str(challenger).encode())
    if matches is not None:
        digest = sha256(digest.digest() + _MATCHES + str(matches).encode())
    return digest.hexdigest()


_MATCHES = b"matches\n"
"""No challenger's words begin like that, so neither passes for the other."""


def opened(sealed: RecordedAssessment, key: bytes | None) -> RecordedAssessment:
    """
    Args:
        key: of the movement's event; None once retention has destroyed it.
    """
    if key is None or sealed.body is None:
        return sealed._replace(row=None, body=None)
    row = None if sealed.row is None else unseal(key, "assessment.row", sealed.row)
    return sealed._replace(row=row, body=unseal(key, "assessment.body", sealed.body))
