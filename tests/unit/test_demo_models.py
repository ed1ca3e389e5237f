"""What is heard of a model of the demo whose process does not end well."""

from multiprocessing import active_children
from pathlib import Path

import pytest

from features.errors import ForelandError
from features.settings import Settings
from monitoring.demo_models import InTheMaking, Order


def order(home: Path) -> Order:
    return Order(Settings(home=home), "vehicle", None, "2026-10-01")


def test_what_goes_wrong_there_is_said_here_in_its_own_words(tmp_path: Path) -> None:
    with (
        InTheMaking(order(tmp_path)) as model,
        pytest.raises(ForelandError, match=r"no ledger at .*; run `foreland ingest` first"),
    ):
        model.trained()


def test_a_process_that_was_killed_is_not_waited_for(tmp_path: Path) -> None:
    with InTheMaking(order(tmp_path)) as model:
        (process,) = active_children()
        process.kill()
        with pytest.raises(ForelandError, match="ended before it was done"):
            model.trained()
    assert not active_children()


def test_who_stops_waiting_ends_it(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), InTheMaking(order(tmp_path)):
        raise KeyboardInterrupt
    assert not active_children()
