import asyncio

import pytest

from django_vortex.server.stepping import resume


async def run_split(coroutine):
    """Run a coroutine by hand until it blocks, and the rest in a task."""
    try:
        waited = coroutine.send(None)
    except StopIteration:
        return "at once"
    await asyncio.create_task(resume_in_task(coroutine, waited))
    return "later"


async def resume_in_task(coroutine, waited):
    await resume(coroutine, waited)


async def test_coroutine_goes_on_where_it_blocked():
    future = asyncio.get_running_loop().create_future()
    seen = []

    async def work():
        seen.append("begun")
        seen.append(await future)
        await asyncio.sleep(0)
        seen.append("ended")

    asyncio.get_running_loop().call_soon(future.set_result, "woken")
    assert await run_split(work()) == "later"
    assert seen == ["begun", "woken", "ended"]


async def test_coroutine_that_only_yields_goes_on():
    seen = []

    async def work():
        for i in range(3):
            await asyncio.sleep(0)
            seen.append(i)

    assert await run_split(work()) == "later"
    assert seen == [0, 1, 2]


async def test_error_of_what_is_awaited_reaches_the_coroutine():
    future = asyncio.get_running_loop().create_future()

    async def work():
        with pytest.raises(ValueError):
            await future

    asyncio.get_running_loop().call_soon(future.set_exception, ValueError("x"))
    assert await run_split(work()) == "later"


async def test_error_of_the_coroutine_reaches_the_task():
    async def work():
        await asyncio.sleep(0)
        raise ValueError("x")

    with pytest.raises(ValueError):
        await run_split(work())


async def test_cancellation_reaches_the_coroutine():
    future = asyncio.get_running_loop().create_future()
    ended = []

    async def work():
        try:
            await future
        finally:
            ended.append(True)

    coroutine = work()
    task = asyncio.create_task(resume_in_task(coroutine, coroutine.send(None)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended
