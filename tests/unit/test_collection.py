"""Garbage is collected between requests, and often enough when there is no between."""

import gc
import time
from types import SimpleNamespace

import pytest

from serving.collection import (
    LONGEST_WITHOUT_SECONDS,
    MOST_NEW_OBJECTS,
    QUIET_SECONDS,
    IdleCollector,
)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """``now`` is the time, ``collections`` counts what the collector did."""
    state = SimpleNamespace(now=time.monotonic(), collections=0)

    def collect() -> None:
        state.collections += 1

    monkeypatch.setattr(time, "monotonic", lambda: state.now)
    monkeypatch.setattr(gc, "collect", collect)
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setattr(gc, "disable", lambda: None)
    return state


def test_an_idle_worker_collects_once(clock: SimpleNamespace) -> None:
    collector = IdleCollector()
    collector.start()
    assert clock.collections == 1
    collector.touch()
    assert not collector.tick()
    clock.now += QUIET_SECONDS * 2
    assert collector.tick()
    clock.now += 1000
    assert not collector.tick()
    assert clock.collections == 2


def test_a_busy_worker_collects_when_it_is_overdue(clock: SimpleNamespace) -> None:
    collector = IdleCollector()
    collector.start()
    for _ in range(10 * int(LONGEST_WITHOUT_SECONDS)):
        collector.touch()
        collector.tick()
        clock.now += QUIET_SECONDS / 2
    # 300 steps of 0.125 s are 37.5 s: once at the start, once overdue
    assert clock.collections == 2


def test_a_worker_with_a_batch_in_hand_is_not_idle(clock: SimpleNamespace) -> None:
    collector = IdleCollector()
    collector.start()
    collector.touch()
    clock.now += QUIET_SECONDS * 2
    assert not collector.tick(at_work=True)
    assert collector.tick()
    collector.touch()
    clock.now += LONGEST_WITHOUT_SECONDS * 2
    assert collector.tick(at_work=True), "but it may be overdue"


def test_what_nobody_has_told_of_is_collected_when_it_is_much(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = IdleCollector()
    collector.start()
    monkeypatch.setattr(gc, "get_count", lambda: (MOST_NEW_OBJECTS, 0, 0))
    assert not collector.tick()
    monkeypatch.setattr(gc, "get_count", lambda: (MOST_NEW_OBJECTS + 1, 0, 0))
    assert collector.tick()
    assert clock.collections == 2


def test_python_counts_new_objects_while_the_collector_is_off() -> None:
    gc.collect()
    gc.disable()
    try:
        before = gc.get_count()[0]
        kept: list[list[int]] = [[] for _ in range(1_000)]
        assert gc.get_count()[0] >= before + len(kept)
    finally:
        gc.enable()
