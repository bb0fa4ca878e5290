import asyncio
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from django_vortex.transports.shutdown import SIGNALS, SignalChain


@pytest.fixture
def heard() -> Iterator[list[Any]]:
    """Handlers of a server that note what they hear."""
    heard: list[Any] = []
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, lambda number, frame: heard.append(number))
    yield heard
    for number, handler in before.items():
        signal.signal(number, handler)


class Drain:
    """What ends the connections, as slowly as a test wants."""

    def __init__(self, heard: list[Any]) -> None:
        self.may_end = asyncio.Event()
        self.has_begun = asyncio.Event()
        self._heard = heard

    async def __call__(self) -> None:
        self._heard.append("drain")
        self.has_begun.set()
        await self.may_end.wait()
        self._heard.append("drained")


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("number", SIGNALS)
async def test_server_hears_of_a_signal_when_the_peers_are_gone(
    heard: list[Any], number: int
) -> None:
    drain = Drain(heard)
    chain = SignalChain(asyncio.get_running_loop(), drain)
    assert chain.install()
    signal.raise_signal(number)
    await drain.has_begun.wait()
    assert heard == ["drain"]
    drain.may_end.set()
    await until(lambda: len(heard) == 3)
    assert heard == ["drain", "drained", number]
    chain.uninstall()


async def test_second_signal_goes_straight_to_the_server(heard: list[Any]) -> None:
    drain = Drain(heard)
    chain = SignalChain(asyncio.get_running_loop(), drain)
    chain.install()
    signal.raise_signal(signal.SIGTERM)
    await drain.has_begun.wait()
    signal.raise_signal(signal.SIGINT)
    assert heard == ["drain", signal.SIGINT]
    drain.may_end.set()
    await until(lambda: len(heard) == 4)
    chain.uninstall()


async def test_failure_while_draining_does_not_keep_the_server_alive(
    heard: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        raise LookupError("not this time")

    chain = SignalChain(asyncio.get_running_loop(), fail)
    chain.install()
    signal.raise_signal(signal.SIGTERM)
    await until(lambda: heard)
    assert heard == [signal.SIGTERM]
    assert "not this time" in caplog.text
    chain.uninstall()


async def test_handlers_are_put_back(heard: list[Any]) -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    chain = SignalChain(asyncio.get_running_loop(), Drain(heard))
    chain.install()
    assert chain.is_installed
    chain.uninstall()
    assert [signal.getsignal(number) for number in SIGNALS] == before
    assert not chain.is_installed


async def test_handlers_set_later_are_not_taken_away(heard: list[Any]) -> None:
    chain = SignalChain(asyncio.get_running_loop(), Drain(heard))
    chain.install()
    later = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    assert later == chain._handle
    chain.uninstall()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


async def test_ignored_signal_stays_ignored(heard: list[Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    chain = SignalChain(asyncio.get_running_loop(), Drain(heard))
    chain.install()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    chain.uninstall()


async def test_loop_beside_the_main_thread_can_have_no_handlers(heard: list[Any]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    chain = SignalChain(asyncio.get_running_loop(), Drain(heard))
    installed: list[bool] = []
    thread = threading.Thread(target=lambda: installed.append(chain.install()))
    thread.start()
    thread.join()
    assert installed == [False]
    assert signal.getsignal(signal.SIGTERM) is before


def test_signal_after_the_loop_has_ended_goes_to_the_server(heard: list[Any]) -> None:
    async def install() -> SignalChain:
        chain = SignalChain(asyncio.get_running_loop(), Drain(heard))
        chain.install()
        return chain

    chain = asyncio.run(install())
    signal.raise_signal(signal.SIGTERM)
    assert heard == [signal.SIGTERM]
    chain.uninstall()
