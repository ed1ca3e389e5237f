"""What an assessment says, field by field."""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from features.handling import Action, Marking
from features.records.outcome import Threat
from serving.vocabulary import Band, Because, Kind, ReferralReason, Status
from serving.wire.json import encode


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


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the movement is referred to an examination, and why. It advises."""

    referred: Annotated[bool, Meta(description="Whether an examination is advised.")]
    reason: Annotated[
        ReferralReason,
        Meta(
            description="intelligence: it meets a selector that asks for it; rule: it meets a rule "
            "that does; risk: its band is high; one of these may be so of a consignment on board "
            "alone; exploration: a draw, whatever its band, so that what nobody looks for is found "
            "too; cold_start: a draw where no model spoke; none: not referred."
        ),
    ]
    policy: Annotated[str, Meta(description="Name and parameters of the policy that decided.")]
    propensity: Annotated[
        float,
        Meta(description="Probability with which a movement like this is referred, 0 to 1."),
    ]


class MatchShown(msgspec.Struct, frozen=True, kw_only=True):
    """What the movement meets beside the score, and never mixed into it: a selector, a rule, or
    what a partner agency told us of something that it names. Of another agency's all but the
    first three members may be null: then ask the contact."""

    by: Annotated[
        Literal["selector", "rule", "partner"],
        Meta(description="What the movement meets; partner: what another agency told us."),
    ]
    action: Annotated[
        Action,
        Meta(description="refer: to an examination; inform: tell whoever reads the answer."),
    ]
    contact: Annotated[str, Meta(description="The desk to ask about it.")]
    id: Annotated[
        str | None,
        Meta(description="Of the selector, or name of the rule; give it with a dismissal."),
    ] = None
    version: Annotated[int | None, Meta(description="Of the rule, from 1.")] = None
    agency: Annotated[str | None, Meta(description="Whose it is.")] = None
    marking: Annotated[Marking | None, Meta(description="Of the reason's text.")] = None
    reason: Annotated[str | None, Meta(description="Why its agency looks for it.")] = None
    threat: Annotated[Threat | None, Meta(description="What may be found, where known.")] = None
    points: Annotated[int | None, Meta(description="That the rule gives.")] = None

    def in_words(self) -> str:
        """One line, as officers read it."""
        asks = "asks to examine" if self.action == "refer" else "informs"
        if self.reason is None:
            return f"Matched by a {self.by} that {asks}. Contact: {self.contact}"
        version = "" if self.version is None else f" version {self.version}"
        threat = "" if self.threat is None else f" ({self.threat.replace('_', ' ')})"
        return (
            f"{self.by.capitalize()} {self.id}{version} of {self.agency} {asks}: "
            f"{self.reason}{threat}. Contact: {self.contact} [{self.marking}]"
        )


class ConsignmentRisk(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered about one consignment, the last time before this assessment."""

    score_id: Annotated[str, Meta(description="Id of the consignment's own assessment.")]
    band: Annotated[Band, Meta(description="Of that assessment.")]
    probability: Annotated[
        float | None, Meta(description="Of that assessment; null when unassessed.")
    ]
    referred: Annotated[
        bool,
        Meta(
            description="Whether it is referred for its risk, a rule or intelligence; a draw alone "
            "does not count here. Then what carries it is referred too."
        ),
    ]


class Consignments(msgspec.Struct, frozen=True, kw_only=True):
    """What your agency knows of the consignments that a vehicle or vessel carries: beside its own
    score, never within it. Cancelled ones are left out."""

    known: Annotated[
        int,
        Meta(
            description="Consignments that the movement lists, and those that were assessed for "
            "your agency and name it in `carried_by`.",
            ge=1,
        ),
    ]
    assessed: Annotated[int, Meta(description="Of them, assessed for your agency.", ge=0)]
    highest: Annotated[
        ConsignmentRisk | None,
        Meta(
            description="The one to look at first: referred ones before others, then by band and "
            "probability. Null when none was assessed."
        ),
    ]
    sentence: Annotated[str, Meta(description="The same, as an officer reads it.")]


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
    assessment_number: Annotated[
        int,
        Meta(
            description="Which assessment of this version it is; above 1 it was made because "
            "something else became known.",
            ge=1,
        ),
    ] = 1
    because: Annotated[
        Because | None,
        Meta(
            description="What became known: consignment (one on board), cancellation (of one that "
            "was), outcome (of an examination of something that shares an entity), selector, rule "
            "or partner (a find or an alert of one). Null for the first assessment."
        ),
    ] = None
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
    selection: Annotated[
        Selection | None, Meta(description="Null in answers from before there were selections.")
    ] = None
    matches: Annotated[
        tuple[MatchShown, ...],
        Meta(
            description="Selectors and rules that the movement meets, as far as your agency may "
            "know. They enter neither the probability nor the band nor the reasons; one with the "
            "action refer makes the selection."
        ),
    ] = ()
    consignments: Annotated[
        Consignments | None,
        Meta(
            description="Of a vehicle or vessel; null when your agency knows of no consignment on "
            "board."
        ),
    ] = None
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
    sandbox: Annotated[
        bool, Meta(description="True for a made-up answer to a reserved reference.")
    ] = False


class AssessmentsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Every recorded assessment of one movement, the newest first."""

    assessments: Annotated[
        tuple[AssessmentMessage, ...],
        Meta(description="Each byte for byte as it was given, `movement_ref` included."),
    ]


def as_list(bodies: Sequence[bytes]) -> bytes:
    """``AssessmentsAnswer`` of answers that are encoded already."""
    return b'{"assessments":[' + b",".join(bodies) + b"]}"


_NO_REFERENCE = b'"movement_ref":null'


def with_reference(body: bytes, movement_ref: str) -> bytes:
    """The recorded answer as it was sent, byte for byte: the record itself holds no reference.

    No text in it can be taken for the empty field: quotes within a JSON string are escaped.

    >>> with_reference(b'{"kind":"vessel","movement_ref":null}', "A 1")
    b'{"kind":"vessel","movement_ref":"A 1"}'
    """
    return body.replace(_NO_REFERENCE, b'"movement_ref":' + encode(movement_ref), 1)
