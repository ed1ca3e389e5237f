"""What a challenger in the shadow costs a score: one application, asked with it and without it.

    python -m tests.benchmarks.shadow

Two models of 300 trees on a simulated border. Rounds with and without the challenger alternate;
the medians are of single scores in this process, without a network.
"""

import statistics
import tempfile
import time
from pathlib import Path

from features.settings import Settings
from models.pins import read_pin, write_pin
from serving.app import create_app
from serving.metrics import Counters
from serving.state import ServingState
from tests.app_client import AppClient
from tests.integration.small_border import make_ledger, promote, vehicle

ROUNDS, SCORES = 10, 60


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        url = make_ledger(home)
        for version in (2, 1):  # the last that is promoted serves
            promote(home, url, version, rounds=300)
            if version == 2:
                pin = read_pin(home / "pins", "vehicle")
                assert pin is not None
                write_pin(home / "pins", pin, "challenger")
        settings = Settings(home=home, ledger_url=url)
        states: list[ServingState] = []

        def opened() -> ServingState:
            states.append(ServingState(settings))
            return states[0]

        client = AppClient(create_app(opened, counters=Counters()))
        try:
            with_one, without = measured(client, states[0])
        finally:
            client.close()
    for words, seconds in (("with", with_one), ("without", without)):
        print(f"{words}: median {statistics.median(seconds) * 1e6:,.0f} us of {len(seconds)}")


def measured(client: AppClient, state: ServingState) -> tuple[list[float], list[float]]:
    """Seconds of every score with and without the challenger."""
    challenger = state.bundles.challenger
    assert challenger("vehicle") is not None
    found: tuple[list[float], list[float]] = ([], [])
    number = 0
    for round_ in range(2 * ROUNDS):
        asked = round_ % 2 == 0
        asked_of = challenger if asked else lambda _: None
        state.bundles.challenger = asked_of  # type: ignore[method-assign]  # the thing measured
        for _ in range(SCORES):
            number += 1
            began = time.perf_counter()
            answer = client.post("/v1/scores?explain=never", json=vehicle(number))
            found[0 if asked else 1].append(time.perf_counter() - began)
            assert answer.json()["status"] == "scored", answer.text
    return found


if __name__ == "__main__":
    main()
