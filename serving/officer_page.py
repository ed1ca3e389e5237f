"""One assessment as a page: what an officer needs to decide, on one screen and one sheet of paper.

The page carries its style and nothing else: no script, nothing fetched. Whatever comes from a
record is escaped by the template.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from features.clock import iso
from models.pages import templates
from serving.page_of_links import LinksSection, section_of
from serving.vocabulary import REASSESSED, REFERRALS, Band
from serving.wire import AssessmentMessage

if TYPE_CHECKING:  # it imports what reads frames, which the supervisor of the workers does not need
    from serving.audit import RecordedAssessment
    from serving.neighbourhoods import Around

ADVICE: dict[Band, str] = {
    "high": "It advises to examine this movement, before those in the band medium.",
    "medium": "It advises to examine this movement, after those in the band high.",
    "low": "It advises no examination. That is not the same as nothing to find.",
    "unassessed": "No model spoke, so it advises nothing. Unassessed is not low.",
}
KNOWN = "What agencies know advises to examine this movement, whatever the model says."
CAUTIONS = {
    "history_missing": "Nothing is known of how examinations of this kind ended",
    "history_stale": "No examination of this kind has been reported for weeks",
    "ledger_unreadable": "What happened most recently could not be read",
    "bundle_refused": "The newest model failed its checks; an earlier one spoke, if any did",
    "no_model": "There is no model for this kind",
    "model_failed": "The model gave no number for this movement",
}
"""Code of a degraded answer to what it means for whoever reads it."""
UNKNOWN = (
    "What nobody examined. Never examined is not the same as clean.",
    "Anything that is not declared, and intelligence that is kept elsewhere.",
)
"""What no model here ever knows."""


class Caution(NamedTuple):
    says: str
    detail: str


class Advised(NamedTuple):
    """Why, one way or the other."""

    effect: str
    """``raises`` or ``lowers``."""
    sentence: str


class OfficerPage(NamedTuple):
    """What the template shows, all of it in words."""

    title: str
    band: Band | None
    """None when all that is left is that there was an assessment."""
    lead: str
    likelihood: tuple[str, ...]
    matches: tuple[str, ...]
    """Selectors and rules, beside what the model says."""
    aboard: str | None
    """What is known of its consignments; None when nothing is."""
    cautions: tuple[Caution, ...]
    reasons: tuple[Advised, ...]
    why_no_reasons: str
    day: str
    """From which ages count back."""
    unknown: tuple[str, ...]
    identity: tuple[tuple[str, str], ...]
    simulated: str | None
    links: LinksSection | None = None
    why_no_links: str | None = None


def page_of(
    recorded: "RecordedAssessment", around: "Around | None" = None, why_no_links: str | None = None
) -> bytes:
    """The page of a recorded assessment, UTF-8; of an erased one, what is left of it.

    Args:
        around: who is tied with what the movement names; None: the page says nothing of it, but
            ``why_no_links``.
    """
    identity = (
        ("Recorded", f"{iso(recorded.available_at)}, position {recorded.position} of the ledger"),
    )
    if recorded.body is None:
        return _rendered(_erased(recorded, identity))
    answer = msgspec.json.decode(recorded.body, type=AssessmentMessage)
    return page_of_answer(answer, identity, around, why_no_links)


def page_of_answer(
    answer: AssessmentMessage,
    identity: tuple[tuple[str, str], ...] = (),
    around: "Around | None" = None,
    why_no_links: str | None = None,
) -> bytes:
    """
    Args:
        identity: what is to be said of the record beside what the answer says of itself.
    """
    reasons = tuple(Advised(reason.effect, reason.sentence) for reason in answer.reasons)
    page = OfficerPage(
        title=f"{answer.kind.capitalize()}: {_band_in_words(answer.band)}",
        band=answer.band,
        lead=_lead(answer),
        likelihood=tuple(_likelihood(answer)),
        matches=tuple(match.in_words() for match in answer.matches),
        aboard=None if answer.consignments is None else answer.consignments.sentence,
        cautions=tuple(_caution(said) for said in answer.degraded_reasons),
        reasons=reasons,
        why_no_reasons="No model spoke." if answer.model is None else "No reasons were asked for.",
        day=answer.as_of[:10],
        unknown=(*_not_known_of_this(answer), *UNKNOWN),
        identity=(*_identity(answer), *identity),
        simulated=_simulated(answer),
        links=None if around is None else section_of(around),
        why_no_links=why_no_links,
    )
    return _rendered(page)


def _rendered(page: OfficerPage) -> bytes:
    template = templates("serving").get_template("assessment.html")
    return template.render(page=page, simulated=page.simulated).encode()


def _lead(answer: AssessmentMessage) -> str:
    """What is advised: what is known may say another thing than the band."""
    selection = answer.selection
    if selection is not None and selection.reason in ("intelligence", "rule"):
        return KNOWN
    return ADVICE[answer.band]


def _likelihood(answer: AssessmentMessage) -> list[str]:
    """The probability in words; similar examinations say it better than a percentage does."""
    referral = []
    if answer.selection is not None and answer.selection.referred:
        referral = [REFERRALS[answer.selection.reason]]
    if answer.probability is None:
        return referral if answer.matches else []
    said = []
    similar, interval = answer.similar_past_examinations, answer.interval
    if similar is not None and similar.examined > 0:
        said.append(
            f"About {similar.found} in {similar.examined} similar past examinations found "
            "something."
        )
    one_in = f", about 1 in {round(1 / answer.probability):,}" if answer.probability > 0 else ""
    said.append(f"Probability of a find if this one is examined: {answer.probability:.1%}{one_in}.")
    if similar is not None and similar.examined > 0 and interval is not None:
        low, high = math.floor(interval.low * 100), math.ceil(interval.high * 100)
        said.append(f"The find rate of such examinations lies between {low}% and {high}%.")
    said += referral
    if answer.threats:
        likeliest = ", ".join(
            f"{share.threat.replace('_', ' ')} ({share.probability:.0%})"
            for share in answer.threats
        )
        said.append(f"If there is a find, most likely: {likeliest}.")
    return said


def _band_in_words(band: Band) -> str:
    return "not assessed" if band == "unassessed" else f"{band} risk"


def _caution(said: str) -> Caution:
    code, _, detail = said.partition(": ")
    if code not in CAUTIONS:
        return Caution("Something was missing", said)
    return Caution(CAUTIONS[code], detail)


def _not_known_of_this(answer: AssessmentMessage) -> list[str]:
    similar = answer.similar_past_examinations
    if similar is not None and similar.examined == 0:
        return ["How sure the probability is: no past examination was similar."]
    return []


def _simulated(answer: AssessmentMessage) -> str | None:
    if answer.sandbox:
        return "A made-up answer of the sandbox, to no movement at all."
    if answer.simulated:
        return "The model learned from simulated movements. Not for use."
    return None


def _identity(answer: AssessmentMessage) -> list[tuple[str, str]]:
    version = f"version {answer.movement_version} of the movement, which is not named here"
    found = [("Assessment", answer.score_id), ("Of", f"one {answer.kind}, {version}")]
    if answer.because is not None:
        number = f"assessment {answer.assessment_number} of this version"
        found.append(("Made again", f"{number}: {REASSESSED[answer.because]}"))
    if answer.model is not None:
        model = answer.model
        said = (
            f"{model.kind} {model.version}, trained on what was known before "
            f"{model.trained_until}; bundle {model.bundle_sha256}"
        )
        found.append(("Model", said))
    known = f"what was known before {answer.as_of} (position {answer.ledger_position})"
    return [*found, ("It knew", known)]


def _erased(recorded: "RecordedAssessment", identity: tuple[tuple[str, str], ...]) -> OfficerPage:
    version = f"version {recorded.movement_version} of its movement"
    left = f"What is left: band {recorded.band}, status {recorded.status}."
    return OfficerPage(
        title=f"{recorded.kind.capitalize()}: erased",
        band=None,
        lead=f"Retention has erased the movement, the evidence and the reasons. {left}",
        likelihood=(),
        matches=(),
        aboard=None,
        cautions=(),
        reasons=(),
        why_no_reasons="Erased.",
        day=iso(recorded.as_of)[:10],
        unknown=(),
        identity=(
            ("Assessment", recorded.score_id),
            ("Of", f"one {recorded.kind}, {version}"),
            *identity,
        ),
        simulated=None,
    )
