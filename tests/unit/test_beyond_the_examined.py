"""The rows that an evaluation gets from a desk's own log, against a truth that is known here."""

import msgspec
import numpy as np
import pytest

from models.left_out import Sample
from models.policies import Candidate, Capacity, Choice, Desk, policy_named
from models.selective import Estimate
from models.unexamined import NO_LOG, BeyondTheExamined, LoggedChoices, beyond_the_examined

DAYS, A_DAY = 40, 500


def from_a_desk(policy: str, epsilon: float) -> tuple[LoggedChoices, np.ndarray, np.ndarray]:
    """A simulated run: the log, the scores, and who would have been found."""
    rng = np.random.default_rng(11)
    n = DAYS * A_DAY
    scores = rng.beta(1.0, 20.0, n)
    truth = rng.random(n) < 0.5 * scores  # the model sees twice the risk there is
    desk = Desk(policy_named(policy, epsilon), Capacity(hours_per_day=50.0))
    choices: list[Choice] = []
    for place in range(n):
        never = bool(rng.random() < 0.2)
        day, score = place // A_DAY, float(scores[place])
        candidate = Candidate("vehicle", "HULL", day, score, 1.0, never, float(rng.random()))
        choices.append(desk.choose(candidate))
    referred = np.array([choice.referred for choice in choices])
    sample = Sample(
        referred=referred,
        found=np.where(referred, truth.astype(float), np.nan),
        propensity=np.array([choice.propensity for choice in choices]),
        probability=scores,
    )
    explored = np.array([choice.reason == "exploration" for choice in choices])
    exploration = np.array([choice.exploration for choice in choices])
    return LoggedChoices(sample, explored, exploration), scores, truth


def measure(found: BeyondTheExamined, name: str) -> dict[str, Estimate]:
    (measured,) = (item for item in found.measures if item.name == name)
    return {item.estimator: item for item in measured.estimates}


@pytest.mark.parametrize("policy", ["epsilon-random", "epsilon-stratified", "adaptive"])
def test_the_log_of_a_desk_tells_what_was_left_out(policy: str) -> None:
    log, scores, truth = from_a_desk(policy, 0.3)
    found = beyond_the_examined(log, {"model": scores}, share=0.05)
    assert found.reason is None
    assert msgspec.json.decode(msgspec.json.encode(found), type=BeyondTheExamined) == found
    expected = {
        "find rate among the unexamined": truth[~log.sample.referred].mean(),
        "find rate among all": truth.mean(),
        "find rate among all, from the random slice": truth.mean(),
        "model: precision at 5%": truth[np.argsort(-scores)[:1000]].mean(),
        "model: recall at 5%": truth[np.argsort(-scores)[:1000]].sum() / truth.sum(),
    }
    assert [item.name for item in found.measures] == list(expected)
    for name, value in expected.items():
        for estimator in ("horvitz-thompson", "hajek", "doubly robust"):
            estimate = measure(found, name)[estimator]
            assert estimate.interval is not None
            low, high = estimate.interval
            assert low <= value <= high, (name, estimator)
    naive = measure(found, "find rate among the unexamined")["naive"]
    assert naive.interval is not None
    assert naive.interval[0] > expected["find rate among the unexamined"]


def test_greedy_leaves_nothing_to_say() -> None:
    log, scores, _ = from_a_desk("greedy", 0.0)
    found = measure(
        beyond_the_examined(log, {"model": scores}, share=0.05), "find rate among the unexamined"
    )
    assert found["naive"].value is not None
    assert found["hajek"].value is None
    assert found["hajek"].not_assessable_share > 0.5


def test_no_log() -> None:
    assert beyond_the_examined(None, {}, share=0.05).reason == NO_LOG
