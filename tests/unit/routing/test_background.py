"""What handlers begin and what outlives its request."""

import asyncio
import gc
from typing import Any

import pytest

from django_vortex.routing.background import Background


@pytest.fixture
def background() -> Background:
    return Background()


async def test_what_a_handler_starts_is_known_to_the_server(background: Background) -> None:
    async def fail() -> None:
        raise KeyError("x")

    kept: list[Any] = []
    background.bind(kept.append)
    task = background.start(fail())
    assert kept == [task]
    with pytest.raises(KeyError):
        await task


async def test_what_a_handler_starts_runs_without_a_server(background: Background) -> None:
    assert await background.start(asyncio.sleep(0, "done")) == "done"


@pytest.mark.parametrize(("error", "lines"), [(ValueError("bug"), 1), (LookupError("no"), 0)])
async def test_failure_of_what_outlives_its_request_is_taken_note_of_once(
    background: Background, error: Exception, lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    untold: list[Any] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: untold.append(context))
    go_on = asyncio.Event()

    async def work() -> None:
        await go_on.wait()
        raise error

    request = asyncio.ensure_future(background.finish(work(), (LookupError,)))
    await asyncio.sleep(0)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    go_on.set()
    for _ in range(5):
        await asyncio.sleep(0)
    del request
    gc.collect()
    assert untold == []
    assert len(caplog.records) == lines


async def test_failure_that_is_awaited_is_raised_and_not_written(
    background: Background, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        raise ValueError("bug")

    with pytest.raises(ValueError, match="bug"):
        await background.finish(work(), ())
    assert caplog.records == []
