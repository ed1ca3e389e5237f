"""What is begun at once and waited for later is as if it had been waited for from the start."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from serving.started import Started

Work = Callable[[asyncio.Event], Coroutine[Any, Any, str]]


async def never_waits(_: asyncio.Event) -> str:
    return "at once"


async def waits_twice(go: asyncio.Event) -> str:
    await go.wait()
    await asyncio.sleep(0)
    return "after all"


async def fails(_: asyncio.Event) -> str:
    raise ValueError("at once")


async def fails_late(go: asyncio.Event) -> str:
    await go.wait()
    raise ValueError("late")


async def took(work: Work, *, started: bool) -> str:
    go = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, go.set)
    try:
        return await (Started(work(go)) if started else work(go))
    except ValueError as exc:
        return f"failed {exc}"


@pytest.mark.parametrize("work", [never_waits, waits_twice, fails, fails_late])
def test_it_ends_as_what_is_awaited_ends(work: Work) -> None:
    said = asyncio.run(took(work, started=True))
    assert said == asyncio.run(took(work, started=False))


def test_what_need_not_wait_has_ended_before_anybody_waits() -> None:
    async def begun() -> tuple[bool, bool]:
        waiting = Started(waits_twice(asyncio.Event()))
        ended = Started(never_waits(asyncio.Event())).ended
        try:
            async with asyncio.timeout(0.01):
                await waiting
        except TimeoutError:
            return ended, waiting.ended
        raise AssertionError("nothing had set the event")

    assert asyncio.run(begun()) == (True, False)


def test_who_gives_up_cancels_it() -> None:
    closed = []

    async def tidy() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            closed.append("tidied")

    async def give_up() -> None:
        started = Started(tidy())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await started

    asyncio.run(give_up())
    assert closed == ["tidied"]
