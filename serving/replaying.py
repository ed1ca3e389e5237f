"""A recorded score computed again: from the ledger as it was known then, and the bundle that spoke.

What is compared, in this order: the chain of the whole ledger; the audit row with the sealed
answer beside it, and with the movement's own event; the selectors and rules that the movement met;
the feature row; and the answer. The model is
given the recorded feature row, so that a history that differs and a model that differs are told
apart; what is on board is told from the ledger and the answers of then. Circumstances
(``degraded_reasons``) and the draw of a referral are of that moment and taken as recorded.
"""

from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, cast

import msgspec
import numpy as np
from msgspec.structs import replace

from features.catalogue import Catalogue, catalogue_for
from features.clock import iso
from features.errors import InputError
from features.ledger import (
    Erased,
    Ledger,
    LedgerDamaged,
    MovementDeclared,
    MovementReassessed,
    Recorded,
    RecordsErased,
    open_ledger,
)
from features.retention import SOURCE as RETENTION
from features.rows import Floats, feature_rows
from features.settings import Settings
from features.timeline import Timeline
from models.bundle import MANIFEST, Bundle, load_bundle
from models.bundle.format import sha256_of
from serving.answers import answer_message, identity
from serving.audit import AuditLog, RecordedAssessment, read_one
from serving.comparing import (
    Difference,
    answer_differences,
    column_differences,
    row_differences,
)
from serving.known_then import Known, match_differences, selectors_agree
from serving.scorer import assess
from serving.selection import decode_selected
from serving.shadow_replay import challenger_again
from serving.vocabulary import Because
from serving.wire import AssessmentMessage, Consignments

Verdict = Literal["the same", "unassessed", "erased", "the same but for what was erased", "differs"]


class Replay(NamedTuple):
    verdict: Verdict
    lines: tuple[str, ...]
    """What was compared and what came of it, a line each."""

    @property
    def agrees(self) -> bool:
        """False when something is not as it was recorded, and no retention explains it."""
        return self.verdict != "differs"


def replay(settings: Settings, ledger_url: str, score_id: str) -> Replay:
    """Reads all of the ledger, once to verify it and once for the history.

    Raises:
        InputError: no such score, or no bundle with the recorded sha256 in the home.
        CatalogueMismatch: this code cannot compute the features that the model was trained on.
        BundleError: the bundle with the recorded sha256 is damaged.
    """
    try:
        recorded = read_one(ledger_url, score_id)
        if recorded is None:
            raise InputError(
                f"no assessment {score_id!r} in {ledger_url}; an id comes with every answer of "
                "POST /v1/scores"
            )
        with closing(open_ledger(ledger_url, create=False)) as ledger:
            return _replayed(settings, ledger, recorded)
    except LedgerDamaged as exc:
        return _differs([], [str(exc)])


def find_bundle(places: Collection[Path], recorded: RecordedAssessment) -> Bundle:
    """The bundle that spoke, verified, whatever was promoted since.

    The recorded sha256 vouches for it and no trusted key need: the one that signed it may have
    been retired.

    Raises:
        InputError: none of the directories in ``places`` holds it.
        BundleError: it is damaged.
    """
    for manifest in (path for place in places for path in sorted(place.glob(f"*/{MANIFEST}"))):
        if sha256_of(manifest.read_bytes()) == recorded.bundle_sha256:
            return load_bundle(manifest.parent, expected_sha256=recorded.bundle_sha256)
    raise InputError(
        f"the bundle that spoke, {recorded.kind} {recorded.model_version} with sha256 "
        f"{recorded.bundle_sha256}, is in neither of {', '.join(map(str, places))}; restore its "
        "directory there from a back-up, or from the artefacts of its run in MLflow"
    )


def _replayed(settings: Settings, ledger: Ledger, recorded: RecordedAssessment) -> Replay:
    verified = ledger.verify()
    done = [
        f"score {recorded.score_id} of one {recorded.kind}, recorded {iso(recorded.available_at)}",
        f"ledger: {verified.events:,} events, every link of the chain holds",
    ]
    runs = [run for run in ledger.read_source(RETENTION) if isinstance(run.payload, RecordsErased)]
    own = next(ledger.tail(recorded.position - 1), None)
    if recorded.body is None:
        return _erased(
            done, recorded, own, [run for run in runs if run.position > recorded.position]
        )
    declared = None if own is None else _declared(ledger, recorded, own)
    if own is None or declared is None:
        return _differs(done, [f"position {recorded.position:,} of the ledger holds no movement"])
    answer = msgspec.json.decode(recorded.body, type=AssessmentMessage)
    wrong = [
        *column_differences(recorded, answer),
        *_event_differences(recorded, own, declared),
    ]
    if wrong:
        return _differs(done, wrong)
    done.append(f"audit row: as the sealed answer and the event at {recorded.position:,} say")
    ways = [Known(ledger, recorded, apart=True)]
    if recorded.assessment == 1:  # of a later version, as they were made before
        ways.append(Known(ledger, recorded, apart=False))
    tried = []
    for known in ways:
        tried.append(_recomputed(settings, known, recorded, declared, answer, runs, done))
        if tried[-1].agrees:
            return tried[-1]
    return tried[0]


def _recomputed(
    settings: Settings,
    known: Known,
    recorded: RecordedAssessment,
    declared: MovementDeclared,
    answer: AssessmentMessage,
    runs: Iterable[Recorded],
    done: Iterable[str],
) -> Replay:
    """What it met, its row and its answer."""
    done = [*done]
    since = [run for run in runs if run.position > recorded.ledger_position]
    met_again = known.matches_of(declared)
    of_matches = match_differences(recorded, answer, met_again)
    if of_matches and not (since and selectors_agree(recorded, met_again)):
        return _differs(done, of_matches)
    if of_matches:
        done.append(
            "matches: of rules that read history, and retention erased some of it since "
            f"({_by_rules(since)})"
        )
    elif recorded.matches is not None:
        done.append("matches: the same selectors and rules stood then, and were met")
    if answer.model is None:
        why = "; ".join(answer.degraded_reasons) or "no reason is recorded"
        done.append(f"no model spoke, so there is nothing to compute again: {why}")
        return Replay("unassessed", (*done, "replayed: unassessed"))
    find = partial(find_bundle, (settings.pins, settings.bundles))
    bundle = find(recorded)
    done.append(f"bundle: {bundle.kind} {bundle.version}, sha256 {bundle.sha256}, {bundle.path}")
    if bundle.catalogue.sha256 != recorded.catalogue_sha256:
        column = Difference(
            "column catalogue_sha256", recorded.catalogue_sha256, bundle.catalogue.sha256
        )
        return _differs(done, [column])
    again = _computed_again(done, known, recorded, answer, declared, bundle, since, find)
    return _but_for_what_was_erased(again) if of_matches else again


def _but_for_what_was_erased(again: Replay) -> Replay:
    if again.verdict != "the same":
        return again
    verdict: Verdict = "the same but for what was erased"
    return Replay(verdict, (*again.lines[:-1], f"replayed: {verdict}"))


def _declared(
    ledger: Ledger, recorded: RecordedAssessment, own: Recorded
) -> MovementDeclared | None:
    """What was assessed: at the position of the assessment, or of the first one of its version."""
    if isinstance(own.payload, MovementReassessed) and recorded.assessment > 1:
        with closing(AuditLog(ledger.url)) as log:
            version = (recorded.agency, recorded.movement, recorded.movement_version)
            first = log.by_movement(*version)
        found = None if first is None else next(ledger.tail(first.position - 1), None)
        return found.payload if found and isinstance(found.payload, MovementDeclared) else None
    return own.payload if isinstance(own.payload, MovementDeclared) else None


def _computed_again(
    done: list[str],
    known: Known,
    recorded: RecordedAssessment,
    answer: AssessmentMessage,
    declared: MovementDeclared,
    bundle: Bundle,
    erasures: list[Recorded],
    find: Callable[[RecordedAssessment], Bundle],
) -> Replay:
    """The row and the answer; ``erasures`` are the runs of retention since the score."""
    timeline = known.timeline
    done.append(
        f"history: events up to position {recorded.ledger_position:,} that were available before "
        f"{iso(recorded.as_of)}"
    )
    done += _other_code(bundle.catalogue, timeline)
    (row,) = feature_rows(timeline, [declared], np.array([recorded.as_of]), bundle.catalogue)
    before = np.frombuffer(recorded.row or b"", dtype="<f8").astype(np.float64)
    of_row = row_differences(bundle.catalogue.names, before, row)
    if len(before) != len(row):
        return _differs(done, of_row)
    aboard = answer.consignments
    if not erasures:  # which may have taken what was on board
        aboard = known.consignments_of(declared)
    of_answer = _answer_differences(recorded, answer, declared, bundle, before, aboard)
    if of_answer or (of_row and not _erasure_explains(of_row, bundle.catalogue, erasures)):
        return _differs(done, [*of_row, *of_answer])

    def row_of(challenger: Bundle) -> Floats | None:
        if erasures:
            return None
        instant = np.array([recorded.as_of])
        own: Floats = feature_rows(timeline, [declared], instant, challenger.catalogue)[0]
        return own

    shadow = challenger_again(recorded, find, row_of)
    if isinstance(shadow, Difference):
        return _differs(done, [shadow])
    features = len(bundle.catalogue.names)
    if of_row:
        done.append(_less_was_left(of_row, features, erasures))
    else:
        done.append(f"row: {features} features, the same bits")
    done.append(f"probability: {_exactly(recorded.probability)}, the same bits")
    done.append(f"answer: band {recorded.band}, {len(answer.reasons)} reasons, all the same")
    if shadow is not None:
        done.append(shadow)
    verdict: Verdict = "the same but for what was erased" if of_row else "the same"
    return Replay(verdict, (*done, f"replayed: {verdict}"))


def _answer_differences(
    recorded: RecordedAssessment,
    answer: AssessmentMessage,
    declared: MovementDeclared,
    bundle: Bundle,
    row: Floats,
    consignments: Consignments | None,
) -> list[Difference]:
    """Of the answer that the bundle gives for the recorded row."""
    circumstances = [
        said for said in answer.degraded_reasons if not said.startswith("model_failed:")
    ]
    again = assess(
        bundle,
        row,
        degraded=circumstances,
        explain="always" if answer.reasons or answer.threats else "never",
    )
    message = answer_message(
        declared,
        again,
        identity(bundle),
        score_id=recorded.score_id,
        as_of=iso(recorded.as_of),
        ledger_position=recorded.ledger_position,
        selected=None if recorded.selection is None else decode_selected(recorded.selection),
        consignments=consignments,
        number=recorded.assessment,
        because=cast("Because | None", recorded.because),
    )
    # Matches were compared before, for they need no model.
    return answer_differences(recorded.body or b"", replace(message, matches=answer.matches))


def _event_differences(
    recorded: RecordedAssessment, own: Recorded, declared: MovementDeclared
) -> list[Difference]:
    pairs = {
        "position": (recorded.position, own.position),
        "available_at": (recorded.available_at, own.available_at),
        "kind": (recorded.kind, declared.kind),
        "movement": (recorded.movement, declared.movement),
        "movement_version": (recorded.movement_version, declared.version),
    }
    return [
        Difference(f"event's {name}", ours, theirs)
        for name, (ours, theirs) in pairs.items()
        if ours != theirs
    ]


def _erased(
    done: list[str], recorded: RecordedAssessment, own: Recorded | None, runs: list[Recorded]
) -> Replay:
    """Only a run of retention destroys a key; without one in the ledger somebody else did."""
    if not runs or own is None or not isinstance(own.payload, Erased):
        return _differs(done, ["the key of this record is gone, and no run of retention took it"])
    done.append(
        "retention has erased the movement, the feature row and the reasons "
        f"({_by_rules(runs)}), so there is nothing to compute again; what is left: band "
        f"{recorded.band}, probability {_exactly(recorded.probability)}"
    )
    return Replay("erased", (*done, "replayed: erased"))


def _erasure_explains(
    differences: list[Difference], catalogue: Catalogue, erasures: list[Recorded]
) -> bool:
    """Retention takes history away; what the movement declared itself it leaves, or takes whole."""
    declared = {item.name for item in catalogue.features if item.source == "declared"}
    return bool(erasures) and not any(one.name in declared for one in differences)


def _less_was_left(differences: list[Difference], features: int, erasures: list[Recorded]) -> str:
    return (
        f"row: {features - len(differences)} of {features} features have the same bits; "
        f"{len(differences)} of history do not, and may not: retention erased some of it since "
        f"({_by_rules(erasures)}); first {differences[0]}"
    )


def _by_rules(runs: list[Recorded]) -> str:
    """
    >>> _by_rules([])
    ''
    """
    counts = [
        f"{count.movements:,} {count.kind} movements by the rule {count.rule!r}"
        for run in runs
        if isinstance(run.payload, RecordsErased)
        for count in run.payload.erased
    ]
    return ", ".join(counts)


def _other_code(trained_on: Catalogue, timeline: Timeline) -> list[str]:
    """Said, not refused: the bits below show whether it matters."""
    kind = trained_on.kind
    ours = {
        item.name: item
        for item in catalogue_for(kind, timeline.attributes(kind), two_steps=True).features
    }
    changed = [item.name for item in trained_on.features if ours.get(item.name) != item]
    if not changed:
        return []
    said = (
        f"code: this version of Foreland describes {len(changed)} of {len(trained_on.features)} "
        f"features otherwise than the model's catalogue {trained_on.sha256} does, first "
        f"{changed[0]}; if the row differs, replay with the version that trained the model"
    )
    return [said]


def _differs(done: Iterable[str], wrong: Iterable[object]) -> Replay:
    first, *more = map(str, wrong)
    others = f", and {len(more)} more" if more else ""
    return Replay("differs", (*done, f"DIFFERS: {first}{others}", "replayed: differs"))


def _exactly(probability: float | None) -> str:
    """
    >>> _exactly(0.1)
    '0.1 (0x1.999999999999ap-4)'
    """
    return "none" if probability is None else f"{probability!r} ({probability.hex()})"
