"""What the records of the audit log say, and the bytes that are chained.

A record is canonical JSON (RFC 8785): keys sorted, nothing between tokens, and no number that is
not a whole one below 2**53. A probability is therefore text, which reads back as the same double.
Whoever adds an entry adds a tagged structure to ``Note``, with neither floats nor non-ASCII names.

References:
    RFC 8785, JSON Canonicalization Scheme.
"""

from typing import Literal

import msgspec

from features.clock import Micros


class Assessed(msgspec.Struct, frozen=True, kw_only=True, tag="assessed"):
    """An answer to a client: every column of its row in the table of assessments, those of the
    challenger and of matches within a digest."""

    score_id: str
    kind: str
    movement: str
    movement_version: int
    position: int
    available_at: Micros
    as_of: Micros
    ledger_position: int
    status: str
    probability: str | None
    """The shortest text that reads back as the same double."""
    band: str
    model_version: int | None
    bundle_sha256: str | None
    catalogue_sha256: str | None
    selection: str | None
    challenger: None
    """Never said here, for clients are given this as proof."""
    row_sha256: str | None
    """Of the sealed feature row: erasing destroys its key and leaves these bytes."""
    body_sha256: str
    """Of the sealed answer; with a challenger of that digest's bytes and its words, and then with
    matches of that one's bytes and theirs."""
    client: str | None
    agency: str
    assessment: int = 1
    """Number of this assessment of the version; records from before there could be several lack
    it."""
    because: str | None = None


class AssessmentRead(msgspec.Struct, frozen=True, kw_only=True, tag="assessment_read"):
    """Somebody was shown a recorded assessment."""

    score_id: str
    client: str
    """Of the API; an account of this machine when a command showed it."""
    agency: str
    how: Literal["stored_score", "explain", "page", "replay"]


class ProofRead(msgspec.Struct, frozen=True, kw_only=True, tag="proof_read"):
    """Somebody was given the proof that an assessment is in the log."""

    score_id: str
    client: str
    agency: str


class MovementScoresListed(msgspec.Struct, frozen=True, kw_only=True, tag="scores_listed"):
    """Somebody was shown all assessments of one movement."""

    movement: str
    """Pseudonym."""
    found: int
    client: str
    agency: str


class AssessmentsListed(msgspec.Struct, frozen=True, kw_only=True, tag="assessments_listed"):
    """A command read many assessments, as the monthly report does."""

    command: str
    account: str
    rows: int
    since: Micros | None = None
    until: Micros | None = None


class AuditVerified(msgspec.Struct, frozen=True, kw_only=True, tag="audit_verified"):
    """The whole log was verified."""

    account: str
    records: int
    streams: int
    heads: int
    pending: int
    findings: int
    """0 when everything holds."""


class AuditExported(msgspec.Struct, frozen=True, kw_only=True, tag="audit_exported"):
    """The whole log was copied out, less what is sealed."""

    account: str
    records: int
    heads: int


class ReportIssued(msgspec.Struct, frozen=True, kw_only=True, tag="report_issued"):
    """A report to the board is about to be put in place: none that is read is not here."""

    account: str
    period: str
    issue: int
    """0 while the period is not over."""
    reason: str | None
    """Why it is issued again."""
    issue_sha256: str
    """Of its ``issue.json``, which lists the digests of all other files."""


class AuditKeyRotated(msgspec.Struct, frozen=True, kw_only=True, tag="audit_key_rotated"):
    """Heads are signed with another key from here on."""

    account: str
    before: str
    """Public key, hexadecimal."""
    after: str


class ServiceSuspended(msgspec.Struct, frozen=True, kw_only=True, tag="service_suspended"):
    """From here on every answer is unassessed."""

    account: str
    by: str
    """The name that was given; attributed, not authenticated."""
    kind: str | None
    """None: every kind."""
    reason: str


class ServiceResumed(msgspec.Struct, frozen=True, kw_only=True, tag="service_resumed"):
    """Models answer again."""

    account: str
    by: str
    """The name that was given; attributed, not authenticated."""
    kind: str | None
    """None: every kind."""
    reason: str


class RecordingResumed(msgspec.Struct, frozen=True, kw_only=True, tag="recording_resumed"):
    """Nothing could be recorded; from here on it can."""

    failure: str


class AlertRaised(msgspec.Struct, frozen=True, kw_only=True, tag="alert_raised"):
    """A signal of the board report turned amber or red, or from one of them to the other."""

    alert: str
    """Names this alert for good."""
    area: str
    name: str
    """Of the rule."""
    kind: str | None
    """None: about all kinds together."""
    colour: Literal["amber", "red"]
    says: str
    period: str
    """The month whose report shows it, ``YYYY-MM``."""
    figure: str
    """Its address in that report, such as ``vehicle.html#vehicle-drift``."""
    value: str
    """What the rule looked at: the shortest text that reads back as the same double."""
    n: int
    rule: str
    owner: str
    action: str
    account: str


class AlertCleared(msgspec.Struct, frozen=True, kw_only=True, tag="alert_cleared"):
    """Its signal is green again, or has another colour and with it another alert."""

    alert: str
    account: str


class AlertDelivered(msgspec.Struct, frozen=True, kw_only=True, tag="alert_delivered"):
    """A channel took the news."""

    alert: str
    news: Literal["raised", "cleared"]
    channel: str
    account: str


class AlertAcknowledged(msgspec.Struct, frozen=True, kw_only=True, tag="alert_acknowledged"):
    """Somebody has taken it on."""

    alert: str
    by: str
    """The name that was given; attributed, not authenticated."""
    reason: str
    account: str


class ReportViewed(msgspec.Struct, frozen=True, kw_only=True, tag="report_viewed"):
    """Somebody was shown a file of the governance site."""

    path: str
    """Below ``/reports/``."""
    client: str
    agency: str


class EvidenceExported(msgspec.Struct, frozen=True, kw_only=True, tag="evidence_exported"):
    """A signed archive of a month's evidence was written."""

    account: str
    period: str
    records: int
    manifest_sha256: str


class LinksRead(msgspec.Struct, frozen=True, kw_only=True, tag="links_read"):
    """Somebody was shown who is tied with an entity."""

    entity: str
    """Namespace and pseudonym."""
    as_of: Micros
    depth: int
    entities: int
    """How many were shown."""
    client: str
    """Of the API; an account of this machine when a command showed it."""
    agency: str


class PartnerEventsRefused(msgspec.Struct, frozen=True, kw_only=True, tag="partner_refused"):
    """Somebody sent events in a partner's name that the partner does not vouch for."""

    client: str
    agency: str
    refused: str
    """Codes of the refusals, each with how many events it was."""


class SelectorsChanged(msgspec.Struct, frozen=True, kw_only=True, tag="selectors_changed"):
    """Somebody proposed, approved or withdrew entries of watch-lists."""

    act: Literal["proposed", "approved", "withdrawn"]
    account: str
    by: str
    """The name that was given; attributed, not authenticated."""
    selectors: int
    first_position: int
    """Of the events that say so."""
    last_position: int


class SelectorsListed(msgspec.Struct, frozen=True, kw_only=True, tag="selectors_listed"):
    """A command showed entries of watch-lists, hidden ones too."""

    account: str
    selectors: int


Note = (
    AssessmentRead
    | ProofRead
    | MovementScoresListed
    | AssessmentsListed
    | AuditVerified
    | AuditExported
    | AuditKeyRotated
    | ServiceSuspended
    | ServiceResumed
    | RecordingResumed
    | ReportIssued
    | AlertRaised
    | AlertCleared
    | AlertDelivered
    | AlertAcknowledged
    | ReportViewed
    | EvidenceExported
    | LinksRead
    | PartnerEventsRefused
    | SelectorsChanged
    | SelectorsListed
)
Entry = Assessed | Note


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What is chained: an entry, and its place."""

    stream: str
    number: int
    """From 1, without gaps."""
    recorded_at: Micros
    entry: Entry


encode_canonical = msgspec.json.Encoder(order="sorted").encode
decode_record = msgspec.json.Decoder(Record).decode
