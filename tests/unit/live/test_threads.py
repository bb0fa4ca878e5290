import asyncio
import threading

import pytest

from django_vortex.live.threads import finishing
from tests.support.waiting import PATIENCE_SECONDS


def begin(function):
    loop = asyncio.get_running_loop()
    run = finishing(lambda function: loop.run_in_executor(None, function))
    return loop.create_task(run(function))


async def test_result_and_exception_are_those_of_the_thread():
    assert await begin(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await begin(lambda: 1 / 0)


async def test_cancellation_is_raised_when_the_thread_has_ended():
    may_end, has_ended = threading.Event(), threading.Event()

    def work():
        may_end.wait(PATIENCE_SECONDS)
        has_ended.set()

    task = begin(work)
    await asyncio.sleep(0)
    task.cancel()
    for _ in range(9):
        await asyncio.sleep(0)
    assert not task.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert has_ended.is_set()


async def test_second_cancellation_waits_for_nothing():
    may_end = threading.Event()
    task = begin(lambda: may_end.wait(PATIENCE_SECONDS))
    for _ in range(2):
        await asyncio.sleep(0)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    may_end.set()


async def test_exception_of_a_thread_that_was_cancelled_is_not_logged(caplog):
    may_end = threading.Event()

    def fail():
        may_end.wait(PATIENCE_SECONDS)
        raise ValueError

    task = begin(fail)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not caplog.records
