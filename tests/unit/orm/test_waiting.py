"""Waiting for coroutines in blocking code."""

import asyncio

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
