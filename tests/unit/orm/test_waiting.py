"""Waiting for coroutines in blocking code."""

import asyncio
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from django_vortex.orm.waiting import Waiting


async def loop_of_it() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


async def fail() -> None:
    raise ValueError("told")


async def test_in_a_thread_it_runs_on_the_loop_where_it_was_made():
    waiting = Waiting()
    loop = asyncio.get_running_loop()
    assert await asyncio.to_thread(waiting.wait, loop_of_it()) is loop


async def test_on_the_loop_itself_it_gets_another():
    waiting = Waiting()
    assert waiting.wait(loop_of_it()) is not asyncio.get_running_loop()
    with pytest.raises(ValueError, match="told"):
        waiting.wait(fail())


async def test_whatever_a_coroutine_raises_is_told():
    async def stop() -> None:
        raise KeyboardInterrupt("told")

    with pytest.raises(KeyboardInterrupt, match="told"):
        Waiting().wait(stop())


def test_without_a_loop_one_is_made():
    assert Waiting().wait(loop_of_it()).is_closed()


async def test_who_gives_up_ends_what_is_waited_for():
    waiting, has_begun = Waiting(), asyncio.Event()

    async def wait() -> None:
        has_begun.set()
        await asyncio.Event().wait()

    thread = asyncio.ensure_future(asyncio.to_thread(waiting.wait, wait()))
    covering = asyncio.ensure_future(waiting.cover(asyncio.shield(thread)))
    await has_begun.wait()
    covering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await covering
    [ended], _ = await asyncio.wait([thread], timeout=60)
    assert ended.cancelled() or ended.exception() is not None
    with ThreadPoolExecutor(1) as threads, pytest.raises(CancelledError):
        threads.submit(waiting.wait, wait()).result()
