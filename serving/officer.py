"""One recorded assessment as an officer reads it: plain text, the answer first, then why."""

import msgspec

from features.clock import iso
from serving.audit import RecordedAssessment
from serving.vocabulary import REASSESSED, REFERRALS
from serving.wire import AssessmentMessage, Interval, Reason, SimilarExaminations

_decode = msgspec.json.Decoder(AssessmentMessage).decode


def narrative(recorded: RecordedAssessment) -> str:
    """Several lines, the first of which says what was assessed and how."""
    if recorded.body is None:
        return _erased(recorded)
    message = _decode(recorded.body)
    return "\n".join([*_verdict(message), "", *_why(message), "", *_evidence(message, recorded)])


def _erased(recorded: RecordedAssessment) -> str:
    return "\n".join(
        [
            f"One {recorded.kind}, version {recorded.movement_version} of its movement.",
            f"Band: {recorded.band}, status {recorded.status}.",
            "Retention has erased the movement, the evidence and the reasons.",
            "",
            f"Score {recorded.score_id}, recorded {iso(recorded.available_at)}.",
            f"Position {recorded.position} of the ledger.",
        ]
    )


def _verdict(message: AssessmentMessage) -> list[str]:
    simulated = (
        "SIMULATED: the model learned from simulated movements. " if message.simulated else ""
    )
    lines = [f"{simulated}One {message.kind}, version {message.movement_version} of its movement."]
    lines.append(f"Band: {message.band}.")
    if message.probability is not None:
        lines.append(f"Probability of a find if examined: {message.probability:.1%}.")
    if message.similar_past_examinations is not None:
        lines += _similar(message.similar_past_examinations, message.interval)
    if message.threats:
        likeliest = ", ".join(
            f"{share.threat.replace('_', ' ')} {share.probability:.0%}" for share in message.threats
        )
        lines.append(f"If there is a find, it would most likely be: {likeliest}.")
    if message.selection is not None:
        lines.append(REFERRALS[message.selection.reason])
    lines += [match.in_words() for match in message.matches]
    if message.consignments is not None:
        lines.append(f"{message.consignments.sentence}.")
    lines += [f"Caution, {reason}" for reason in message.degraded_reasons]
    return lines


def _similar(similar: SimilarExaminations, interval: Interval | None) -> list[str]:
    if similar.examined == 0:
        return ["No past examination was similar: how sure the probability is, is not known."]
    said = f"Of {similar.examined} similar past examinations {similar.found} found something"
    if interval is None:  # an answer recorded before there were intervals
        return [f"{said}."]
    low, high = f"{interval.low:.0%}", f"{interval.high:.0%}"
    return [f"{said}: the find rate of such lies between {low} and {high} (95 % interval)."]


def _why(message: AssessmentMessage) -> list[str]:
    if not message.reasons:
        return ["No reasons were asked for, or no model spoke."]
    return ["Why, the strongest first:", *(_line(reason) for reason in message.reasons)]


def _line(reason: Reason) -> str:
    return f"  {reason.effect:6} the risk  {reason.sentence}"


def _evidence(message: AssessmentMessage, recorded: RecordedAssessment) -> list[str]:
    lines = [
        f"Score {recorded.score_id}, status {message.status}.",
        f"Recorded {iso(recorded.available_at)} at position {recorded.position} of the ledger.",
        f"It knew what was known before {message.as_of} (position {message.ledger_position}).",
    ]
    if message.because is not None:
        why = REASSESSED[message.because]
        lines.append(f"It is assessment {message.assessment_number} of this version: {why}.")
    if message.model is not None:
        model = message.model
        lines.append(
            f"Model {model.kind} {model.version}, trained until {model.trained_until}, "
            f"bundle sha256 {model.bundle_sha256}."
        )
    lines.append("The assessment advises; an officer decides.")
    return lines
