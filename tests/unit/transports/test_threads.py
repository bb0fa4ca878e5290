import asyncio
import concurrent.futures
import threading
from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from django_vortex.transports import threads
from django_vortex.transports.threads import BlockingPool

language: ContextVar[str] = ContextVar("language", default="none")


@pytest.fixture
def pool() -> Iterator[BlockingPool]:
    pool = BlockingPool(2, "test-pool")
    yield pool
    pool.stop()


async def test_function_runs_in_a_thread_and_its_result_comes_back(pool: BlockingPool) -> None:
    thread = await pool.run_sync(threading.current_thread)
    assert thread is not threading.current_thread()
    assert thread.name.startswith("test-pool")


async def test_exception_comes_back_as_it_is(pool: BlockingPool) -> None:
    def fail() -> None:
        raise LookupError("nobody there")

    with pytest.raises(LookupError, match="nobody there"):
        await pool.run_sync(fail)


async def test_context_goes_with_the_function_and_does_not_come_back(pool: BlockingPool) -> None:
    language.set("de")

    def look() -> str:
        found = language.get()
        language.set("fr")
        return found

    assert await pool.run_sync(look) == "de"
    assert language.get() == "de"


@pytest.mark.parametrize(
    "error",
    [
        SystemExit(3),
        KeyboardInterrupt(),
        StopIteration(1),
        asyncio.CancelledError(),
        concurrent.futures.CancelledError(),
        GeneratorExit(),
    ],
    ids=repr,
)
async def test_exception_that_means_something_to_the_loop_becomes_an_ordinary_one(
    pool: BlockingPool, error: BaseException
) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(RuntimeError, match=f"{type(error).__name__} was raised in a thread"):
        await pool.run_sync(fail)
    assert await pool.run_sync(lambda: "alive") == "alive"


async def test_no_more_run_at_a_time_than_there_are_threads(pool: BlockingPool) -> None:
    go_on = threading.Event()
    lock = threading.Lock()
    running: list[int] = []
    most = 0

    def work() -> None:
        nonlocal most
        with lock:
            running.append(1)
            most = max(most, len(running))
        go_on.wait(60)
        with lock:
            running.pop()

    tasks = [asyncio.ensure_future(pool.run_sync(work)) for _ in range(6)]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(*tasks)
    assert most <= 2


async def test_connections_are_cleaned_up_around_each_call(
    pool: BlockingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    monkeypatch.setattr(threads, "close_old_connections", lambda: events.append("clean"))

    def fail() -> None:
        events.append("call")
        raise LookupError

    with pytest.raises(LookupError):
        await pool.run_sync(fail)
    assert events == ["clean", "call", "clean"]
