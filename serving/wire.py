"""What goes over the wire: one Struct per message, every field described, unknown fields refused.

A score request is the movement's record itself, so that what is scored and what training saw are
declared once. These types say how answers look; what they mean is decided in ``serving.scorer``.
"""

from functools import partial
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from features.records import (
    RECORDS,
    Outcome,
    Problem,
    RecordRejected,
    Shipment,
    Vehicle,
    Vessel,
    at_the_edge,
    check_movement,
    check_outcome,
)
from features.records.outcome import Threat, outcome_at_the_edge
from features.records.persons import refuse_person_data
from features.records.shapes import shape_problem
from serving.problems import RecordError, RequestRefused, record_errors
from serving.strict_json import parse_strictly
from serving.vocabulary import Status

Kind = Literal["vehicle", "vessel", "shipment"]
Band = Literal["high", "medium", "low", "unassessed"]

ScoreRequest = Vehicle | Vessel | Shipment
"""One movement; the field ``kind`` says which record it is."""


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One group of features that moved the probability, and which way."""

    group: Annotated[str, Meta(description="What the reason is about, such as haulier or route.")]
    effect: Annotated[
        Literal["raises", "lowers"], Meta(description="Whether it raised or lowered the risk.")
    ]
    contribution: Annotated[
        float, Meta(description="Exact TreeSHAP contribution in log-odds; its sign is the effect.")
    ]
    sentence: Annotated[str, Meta(description="What an officer reads: value, evidence, its age.")]


class SimilarExaminations(msgspec.Struct, frozen=True, kw_only=True):
    """Examinations of the calibration period with a like probability."""

    found: Annotated[int, Meta(description="How many of them found something.", ge=0)]
    examined: Annotated[int, Meta(description="How many there were.", ge=0)]


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """In which the find rate of examinations at a like probability lies, with 95 % confidence."""

    low: Annotated[float, Meta(description="Lower end, 0 to 1.")]
    high: Annotated[float, Meta(description="Upper end, 0 to 1.")]


class ThreatShare(msgspec.Struct, frozen=True, kw_only=True):
    """One threat, and how likely it is what would be found, if anything is."""

    threat: Annotated[Threat, Meta(description="What a find would be.")]
    probability: Annotated[float, Meta(description="Given that there is a find, 0 to 1.")]


class ModelIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Which model spoke."""

    kind: Annotated[Kind, Meta(description="The kind of movement it was trained for.")]
    version: Annotated[int, Meta(description="Version in the model registry, from 1.", ge=1)]
    bundle_sha256: Annotated[str, Meta(description="SHA-256 of the bundle's manifest, in hex.")]
    trained_until: Annotated[
        str, Meta(description="RFC 3339, UTC; it learned from nothing known at or after this.")
    ]
    simulated: Annotated[
        bool, Meta(description="True when any movement it learned from was simulated.")
    ]


class AssessmentMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One assessment. It advises; an officer decides."""

    score_id: Annotated[str, Meta(description="Id of this assessment (UUID); keep it.")]
    kind: Annotated[Kind, Meta(description="The movement's kind.")]
    movement_ref: Annotated[
        str | None,
        Meta(description="As sent; null in a stored assessment, which keeps only a pseudonym."),
    ]
    movement_version: Annotated[
        int, Meta(description="The version of the movement that was assessed.", ge=1)
    ]
    status: Annotated[
        Status,
        Meta(
            description="scored; degraded (something was stale or missing: see degraded_reasons); "
            "unassessed (no model spoke)."
        ),
    ]
    degraded_reasons: Annotated[
        tuple[str, ...],
        Meta(description="What was stale, missing or refused, each as `code: sentence`."),
    ]
    probability: Annotated[
        float | None,
        Meta(description="Probability of a find if examined, 0 to 1; null when unassessed."),
    ]
    similar_past_examinations: Annotated[
        SimilarExaminations | None,
        Meta(
            description="What past examinations at a like probability ended in; of 0 when none was "
            "similar."
        ),
    ]
    interval: Annotated[
        Interval | None,
        Meta(
            description="How sure the probability is: 95 % interval of the find rate of similar "
            "past examinations, widened to hold the probability; 0 to 1 when none was similar."
        ),
    ] = None
    band: Annotated[
        Band, Meta(description="A degraded assessment is never low: what would be low is medium.")
    ]
    reasons: Annotated[
        tuple[Reason, ...],
        Meta(description="At most five, the strongest first; see the parameter `explain`."),
    ]
    threats: Annotated[
        tuple[ThreatShare, ...],
        Meta(
            description="The likeliest threats given that there is a find, at most three; given "
            "when reasons are. They enter neither the probability nor the band nor the reasons."
        ),
    ] = ()
    model: Annotated[ModelIdentity | None, Meta(description="Null when no model spoke.")]
    as_of: Annotated[
        str, Meta(description="RFC 3339, UTC: nothing known at or after this had any influence.")
    ]
    ledger_position: Annotated[
        int, Meta(description="The last event of the ledger that history had applied.", ge=0)
    ]
    simulated: Annotated[
        bool, Meta(description="True when the answer rests on simulated data: not for use.")
    ]


class OutcomeMessage(Outcome, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one examination ended in, for one movement."""

    kind: Annotated[Kind, Meta(description="The kind of the movement that was examined.")]


class OutcomeReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one outcome that was sent."""

    event_id: Annotated[
        str | None, Meta(description="As sent; null when it could not be read from the item.")
    ]
    status: Annotated[
        Literal["accepted", "duplicate", "rejected"],
        Meta(
            description="accepted: recorded now; duplicate: the same was recorded before; "
            "rejected: not recorded, see errors."
        ),
    ]
    position: Annotated[
        int | None, Meta(description="Position of the event in the ledger; null when rejected.")
    ]
    errors: Annotated[tuple[RecordError, ...], Meta(description="Every broken rule.")] = ()


class OutcomesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One receipt per outcome, in the order sent."""

    outcomes: Annotated[
        tuple[OutcomeReceipt, ...], Meta(description="One per outcome, in the order sent.")
    ]


class ServedModel(msgspec.Struct, frozen=True, kw_only=True):
    """What serves one kind now."""

    kind: Annotated[Kind, Meta(description="Kind of movement.")]
    model: Annotated[
        ModelIdentity | None, Meta(description="Null: every answer is unassessed for this kind.")
    ]
    thresholds: Annotated[
        dict[str, float],
        Meta(description="From this probability up the band is high, or medium; else low."),
    ]
    approvers: Annotated[
        tuple[str, ...], Meta(description="Who approved it; attributed, not authenticated.")
    ]
    promoted_at: Annotated[str | None, Meta(description="RFC 3339, UTC.")]
    problem: Annotated[
        str | None, Meta(description="Why the promoted bundle is not the one that serves.")
    ]
    newest_event_at: Annotated[
        str | None, Meta(description="RFC 3339, UTC: the newest event history has for this kind.")
    ]


HistoryPosition = Annotated[
    int, Meta(description="The last event of the ledger that this worker's history has heard.")
]
LedgerPosition = Annotated[
    int, Meta(description="The last event of the ledger, or the last that could be read.")
]
HistoryLag = Annotated[
    float,
    Meta(
        description="Age in seconds of the first event that history has not heard; 0 when there is "
        "none. When the ledger cannot be read: since it last could."
    ),
]


class ModelsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What serves each kind now, and up to where this worker's history goes."""

    models: Annotated[tuple[ServedModel, ...], Meta(description="One per kind.")]
    history_position: HistoryPosition
    ledger_position: LedgerPosition
    history_lag_seconds: HistoryLag


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """The service can answer; what it would flag as degraded is in ``problems``."""

    ready: Annotated[bool, Meta(description="Always true here; a 503 says not ready.")]
    problems: Annotated[
        tuple[str, ...], Meta(description="What makes answers degraded or unassessed now.")
    ]
    history_position: HistoryPosition
    ledger_position: LedgerPosition
    history_lag_seconds: HistoryLag


encode = msgspec.json.Encoder().encode
_decode_movement = msgspec.json.Decoder(ScoreRequest).decode
_convert_movement = partial(msgspec.convert, type=ScoreRequest)
_decode_outcome = msgspec.json.Decoder(OutcomeMessage).decode
_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode

_NO_REFERENCE = b'"movement_ref":null'


def with_reference(body: bytes, movement_ref: str) -> bytes:
    """The recorded answer as it was sent, byte for byte: the record itself holds no reference.

    No text in it can be taken for the empty field: quotes within a JSON string are escaped.

    >>> with_reference(b'{"kind":"vessel","movement_ref":null}', "A 1")
    b'{"kind":"vessel","movement_ref":"A 1"}'
    """
    return body.replace(_NO_REFERENCE, b'"movement_ref":' + encode(movement_ref), 1)


def read_score_request(body: bytes) -> ScoreRequest:
    """
    Raises:
        RequestRefused: for JSON that is refused, or with every rule the record breaks.
    """
    row = parse_strictly(body)
    try:
        movement = _movement(row, body)
        check_movement(movement)
    except RecordRejected as exc:
        raise rejected(exc.problems) from exc
    return movement


def _movement(row: Any, body: bytes) -> ScoreRequest:
    """Read from the bytes, or from the row where its local times have become instants."""
    sent = row
    record: type[msgspec.Struct] = OfSomeKind
    if isinstance(row, dict):
        kind = row.get("kind")
        if isinstance(kind, str) and kind in RECORDS:
            sent, record = at_the_edge(kind, row), RECORDS[kind]
        else:
            refuse_person_data(row)
    movement: ScoreRequest
    if sent is row:
        movement = _typed(_decode_movement, body, record)
        return movement
    _typed(msgspec.json.decode, body, record)  # the row was parsed by a laxer hand
    movement = _typed(_convert_movement, sent, record)
    return movement


class OfSomeKind(msgspec.Struct, frozen=True):
    """All that is known of a movement while its kind is not."""

    kind: Kind


class SentOutcomes(NamedTuple):
    items: list[OutcomeMessage | OutcomeReceipt]
    """In the order sent; a receipt stands for one that is rejected already."""
    alone: bool
    """True for a single object, which is refused as a whole request."""


def read_outcomes(body: bytes) -> SentOutcomes:
    """The outcomes of an array or a single one.

    Raises:
        RequestRefused: for JSON that is refused; for a single object also when it is rejected.
    """
    rows = parse_strictly(body)
    if not isinstance(rows, list):
        try:
            return SentOutcomes([_read_outcome(rows, body)], alone=True)
        except RecordRejected as exc:
            raise rejected(exc.problems) from exc
    items = [
        _outcome_or_receipt(index, row, bytes(raw))
        for index, (row, raw) in enumerate(
            zip(rows, _typed(_decode_items, body, OutcomeMessage), strict=True)
        )
    ]
    return SentOutcomes(items, alone=False)


def _outcome_or_receipt(index: int, row: Any, raw: bytes) -> OutcomeMessage | OutcomeReceipt:
    try:
        return _read_outcome(row, raw)
    except RecordRejected as exc:
        event_id = row.get("event_id") if isinstance(row, dict) else None
        return rejected_receipt(
            event_id if isinstance(event_id, str) else None, exc.problems, f"/{index}"
        )


def _read_outcome(row: Any, raw: bytes) -> OutcomeMessage:
    if isinstance(row, dict):
        outcome_at_the_edge(row)
    outcome: OutcomeMessage = _typed(_decode_outcome, raw, OutcomeMessage)
    check_outcome(outcome)
    if outcome.known_at is not None:
        raise RecordRejected(
            (
                Problem(
                    "known_at_in_live_message",
                    "/known_at",
                    "a live outcome is stamped on arrival; leave known_at out, or ingest a file",
                ),
            )
        )
    return outcome


def rejected_receipt(
    event_id: str | None, problems: tuple[Problem, ...], prefix: str
) -> OutcomeReceipt:
    errors = record_errors(problems, prefix)
    return OutcomeReceipt(event_id=event_id, status="rejected", position=None, errors=errors)


def rejected(problems: tuple[Problem, ...]) -> RequestRefused:
    many = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    first = problems[0]
    return RequestRefused(
        "record_rejected",
        f"{first.pointer or '/'}: {first.message}{many}",
        errors=problems,
    )


def _typed(decode: Any, sent: Any, record: type[msgspec.Struct]) -> Any:
    try:
        return decode(sent)
    except msgspec.ValidationError as exc:
        raise RecordRejected((shape_problem(exc, record),)) from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        # json.loads took it, so all that is left is half of a surrogate pair.
        raise RequestRefused(
            "not_utf8", "a string holds half of a surrogate pair; send whole characters"
        ) from exc
