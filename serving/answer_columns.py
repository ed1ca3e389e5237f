"""Answers to a batch that are kept as columns, from the questions to what is sent.

Only plain ones are: about movements of one kind that nothing was known of, by a model without a
challenger, without matches, consignments or reasons. What is answered alike is put into words
once, of one of them, and by those who answer alone; what the log keeps of each is made when it is
recorded.
"""

from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple, cast

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from features.clock import from_micros
from features.movement_columns import MovementColumns
from models.bundle import Bundle
from models.calibration.similar import NONE_ALIKE
from models.proportions import wilson_interval
from serving.assessing import Asked, Assessor, Question
from serving.auth.access import Client
from serving.committing import Computed
from serving.knowledge import Circumstances
from serving.score_ids import new_score_ids
from serving.scorer import Assessment
from serving.selection import Selected
from serving.vocabulary import Kind, Status
from serving.wire import encode
from serving.wire.batch import BatchRow
from serving.wire.rows import Given
from serving.wording import OPEN, Wording, as_template

Floats = NDArray[np.float64]


class PlainQuestions(NamedTuple):
    """What a client asks about movements of one kind: no reasons."""

    places: Sequence[int]
    """In the batch."""
    declared: MovementColumns
    client: Client

    def one(self, at: int) -> Question:
        return Question(self.declared[at], "never", self.client)

    def taken(self, ats: Sequence[int]) -> "PlainQuestions":
        places = [self.places[at] for at in ats]
        return PlainQuestions(places, self.declared.taken(ats), self.client)


class AskedColumns(NamedTuple):
    """Such questions at the instant at which the movements are assessed."""

    questions: PlainQuestions
    known: Circumstances
    """With a model that may speak, and no challenger."""
    rows: Floats
    """float64[n, F]"""

    def one(self, at: int) -> Asked:
        question = self.questions.one(at)
        return Asked(question, self.known, self.rows[at], first_seen=self.known.as_of)

    def between(self, start: int, end: int) -> "AskedColumns":
        """Those at places of the batch in ``[start, end)``."""
        first, last = (bisect_left(self.questions.places, place) for place in (start, end))
        if (first, last) == (0, len(self.rows)):
            return self
        ats = range(first, last)
        return AskedColumns(self.questions.taken(ats), self.known, self.rows[first:last])


class Alike(NamedTuple):
    """What some of the answers have in common."""

    assessment: Assessment
    """Of one of them: the others differ in probability and interval."""
    selected: Selected

    @property
    def around(self) -> tuple[float, float]:
        """Their interval, before it is widened to hold the probability of each."""
        return wilson_interval(*(self.assessment.similar or (0, 0)))


class AnswerColumns:
    """
    Args:
        probabilities: float64[n], finite.
        alike: what those of one number in ``numbers``, int64[n], have in common.
    """

    def __init__(
        self,
        asked: AskedColumns,
        probabilities: Floats,
        alike: Sequence[Alike],
        numbers: NDArray[np.int64],
        score_ids: Sequence[str],
    ) -> None:
        self.asked = asked
        self.probabilities = probabilities
        self.alike = alike
        self.score_ids = score_ids
        self._array = numbers
        self.numbers: list[int] = numbers.tolist()

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def places(self) -> Sequence[int]:
        return self.asked.questions.places

    @property
    def kind(self) -> Kind:
        return cast(Kind, self.asked.questions.declared.kind)

    def without(self, ats: Sequence[int]) -> "AnswerColumns":
        """Those that are left."""
        left = sorted(set(range(len(self))).difference(ats))
        asked = AskedColumns(
            self.asked.questions.taken(left), self.asked.known, self.asked.rows[left]
        )
        ids = [self.score_ids[at] for at in left]
        return AnswerColumns(asked, self.probabilities[left], self.alike, self._array[left], ids)

    def given(self, at: int) -> Given:
        """As it is recorded."""
        assessment = self.alike[self.numbers[at]].assessment
        template = self._templates[self.numbers[at]]
        body = template % tuple(column[at] for column in self._filling)
        return Given(self.kind, assessment.status, assessment.band, body, replayed=False)

    def in_json(self, references: Sequence[str]) -> list[bytes]:
        """Each as a row of the batch's answer.

        Args:
            references: what the client calls each movement.
        """
        templates = [self._row_template(number) for number in range(len(self.alike))]
        named = list(map(encode, references))
        ids, *others = self._filling
        each = zip(_texts(list(self.places)), named, ids, named, *others, strict=True)
        return [templates[at] % filling for at, filling in zip(self.numbers, each, strict=True)]

    def in_columns(self) -> dict[str, Sequence[Any]]:
        """As ``serving.wire.arrow_answers`` has them, but for references."""
        count, bands = len(self), [alike.assessment.band for alike in self.alike]
        messages = [self._open(number) for number in range(len(self.alike))]
        any_of_them = messages[0]
        same = {
            "status": any_of_them.status,
            "replayed": False,
            "degraded_reasons": any_of_them.degraded_reasons,
            "reasons": (),
            "model_version": any_of_them.model.version,
            "as_of": from_micros(self.asked.known.as_of),
            "ledger_position": any_of_them.ledger_position,
            "simulated": any_of_them.simulated,
            "matches": (),
            "consignments": None,
            "errors": (),
        }
        return {
            **{name: [value] * count for name, value in same.items()},
            "score_id": self.score_ids,
            "probability": self.probabilities.tolist(),
            "band": [bands[number] for number in self.numbers],
        }

    def counted(self) -> dict[tuple[str, str, Status], int]:
        """How many there are by kind, band and status."""
        found: dict[tuple[str, str, Status], int] = {}
        counts = np.bincount(self._array, minlength=len(self.alike)).tolist()
        for (assessment, _), count in zip(self.alike, counts, strict=True):
            if count:
                labels = self.kind, assessment.band, assessment.status
                found[labels] = found.get(labels, 0) + count
        return found

    @cached_property
    def _filling(self) -> tuple[list[bytes], list[bytes], list[bytes], list[bytes]]:
        """Id, probability and interval of each as JSON, in the order of the answer."""
        bounds = np.array([alike.around for alike in self.alike]).reshape(-1, 2)[self._array]
        low = np.minimum(bounds[:, 0], self.probabilities)
        high = np.maximum(bounds[:, 1], self.probabilities)
        return (
            _texts(self.score_ids),
            _texts(self.probabilities.tolist()),
            _texts(low.tolist()),
            _texts(high.tolist()),
        )

    @cached_property
    def _wording(self) -> Wording:
        return Wording(self.asked.known, len(self))

    @cached_property
    def _templates(self) -> list[bytes]:
        return [as_template(encode(self._open(number))) for number in range(len(self.alike))]

    def _row_template(self, number: int) -> bytes:
        message = replace(self._open(number), movement_ref=OPEN)
        row = BatchRow(index=OPEN, movement_ref=OPEN, status=message.status, assessment=message)
        return as_template(encode(row))

    def _open(self, number: int) -> Any:
        assessment, selected = self.alike[number]
        declared = self.asked.questions.declared[0]
        return self._wording.open(declared, assessment, selected)


def answered(asked: AskedColumns, probabilities: Floats, assessor: Assessor) -> AnswerColumns:
    """Pure: in any thread.

    Args:
        probabilities: float64[n], the model's for ``asked.rows``; finite.
    """
    known, movements = asked.known, asked.questions.declared.movements
    bundle = cast(Bundle, known.bundle)
    above = (probabilities >= bundle.thresholds.high).astype(np.int64)
    above += probabilities >= bundle.thresholds.medium
    exploring = assessor.exploring(movements, known.as_of)
    groups = bundle.calibrated_on.groups(probabilities) - NONE_ALIKE
    _, first, numbers = np.unique(
        (groups * 3 + above) * 2 + exploring, return_index=True, return_inverse=True
    )
    alike = [
        Alike(*assessor.said(asked.one(at), "never", float(probabilities[at])))
        for at in first.tolist()
    ]
    return AnswerColumns(asked, probabilities, alike, numbers, new_score_ids(len(movements)))


def computed(answers: AnswerColumns, assessor: Assessor) -> list[Computed]:
    """What is recorded of each, as of those that are answered one by one."""
    each = [answers.asked.one(at) for at in range(len(answers))]
    records = assessor.answers(each, answers.probabilities.tolist(), answers.score_ids)
    return list(map(Computed, each, records))


def _texts(values: Sequence[Any]) -> list[bytes]:
    """Each as JSON; none of them holds a comma."""
    return encode(values)[1:-1].split(b",") if len(values) else []
