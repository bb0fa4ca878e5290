"""The helpers themselves: a test that waits for the wrong thing proves nothing."""

import sys
from pathlib import Path

import pytest
import redis

from tests.support.processes import LoggedProcess, run
from tests.support.redis_server import RedisServer
from tests.support.waiting import GaveUp, eventually, wait_until


def test_waiting_returns_what_became_true() -> None:
    answers = iter([None, 0, "ready"])
    assert wait_until(lambda: next(answers), "the third answer") == "ready"


def test_waiting_in_vain_says_for_what() -> None:
    with pytest.raises(GaveUp, match=r"Waited 0 s for rain; last seen: \[\]"):
        wait_until(list, "rain", seconds=0)


async def test_waiting_takes_coroutines_too() -> None:
    answers = iter([False, True])

    async def condition() -> bool:
        return next(answers)

    assert await eventually(condition, "the second answer")


def test_process_that_ended_fails_with_what_it_printed(tmp_path: Path) -> None:
    process = LoggedProcess("short", [sys.executable, "-c", "print('farewell')"], tmp_path)
    process.start()
    process.wait()
    with pytest.raises(AssertionError, match=r"short ended with 0(.|\n)*farewell"):
        process.require_running()


def test_failing_command_shows_its_output() -> None:
    with pytest.raises(AssertionError, match=r"ended with 3\nno luck"):
        run([sys.executable, "-c", "print('no luck'); raise SystemExit(3)"])


def test_redis_server_forgets_everything_when_restarted(redis_server: RedisServer) -> None:
    def is_stored() -> bool:
        with redis.Redis(port=redis_server.port) as client:
            return bool(client.exists("key"))

    with redis.Redis(port=redis_server.port) as client:
        client.set("key", "value")
    assert is_stored()
    redis_server.restart()
    assert not is_stored()
