"""The helpers themselves: a test that waits for the wrong thing proves nothing."""

import asyncio
import sys
from pathlib import Path

import pytest
import redis

from tests.support.ports import HOST
from tests.support.processes import LoggedProcess, run
from tests.support.redis_server import RedisServer
from tests.support.tcp_proxy import Place, Trap, tcp_proxy
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


@pytest.mark.parametrize(
    ("place", "arrived"), [("before", b""), ("in", b"01234"), ("after", b"0123456789")]
)
async def test_proxy_cuts_at_the_place_of_a_trap(place: Place, arrived: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n"
    got = bytearray()
    ended = asyncio.Event()

    async def record(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(100):
                got.extend(data)
        except ConnectionError:
            pass  # a cut is no end in good order
        finally:
            ended.set()
            writer.close()

    server = await asyncio.start_server(record, HOST, 0)
    async with server, tcp_proxy(server.sockets[0].getsockname()[1]) as proxy:
        proxy.trap = Trap("up", 1, place)
        reader, writer = await asyncio.open_connection(HOST, proxy.port)
        writer.write(head + b"0123456789" + head)
        async with asyncio.timeout(60):
            with pytest.raises(ConnectionError):
                assert await reader.read() == b"", "the end in good order"
                raise ConnectionError
            await ended.wait()
        assert bytes(got) == head + arrived
        assert proxy.cuts == 1
        assert proxy.trap is None
        writer.close()
