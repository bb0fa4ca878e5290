import asyncio
import os
import threading
from typing import Any

import pytest

from django_vortex.transports import hub

pytestmark = pytest.mark.usefixtures("fresh_hub")


async def test_process_has_one_server() -> None:
    assert hub.current() is None
    assert hub.loop() is None
    server = hub.get_server()
    assert hub.get_server() is server
    assert hub.current() is server
    assert hub.loop() is asyncio.get_running_loop()


async def test_server_has_the_settings(settings: Any) -> None:
    settings.VORTEX = {**settings.VORTEX, "NAME": "told", "HOLD_SECONDS": 7.0, "MAX_DEPTH": 9}
    server = hub.get_server()
    assert (server.options.name, server.options.hold_seconds) == ("told", 7.0)
    assert server.codec.limits.depth == 9


async def test_thread_finds_server_and_loop() -> None:
    server = hub.get_server()
    found = await asyncio.to_thread(lambda: (hub.current(), hub.loop()))
    assert found == (server, asyncio.get_running_loop())


async def test_handlers_run_in_threads_of_our_own() -> None:
    server = hub.get_server()
    thread = await server.payload_io.run_sync(threading.current_thread)
    assert thread.name.startswith("vortex-handler")
    other = await hub.run_session_sync(threading.current_thread)
    assert other.name.startswith("vortex-session")


async def test_second_loop_gets_no_server_while_the_first_runs() -> None:
    hub.get_server()

    async def get() -> None:
        hub.get_server()

    with pytest.raises(RuntimeError, match="another event loop"):
        await asyncio.to_thread(asyncio.run, get())


async def test_forked_process_has_a_server_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    hub.get_server()
    child = os.getpid() + 1
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: child)
        assert hub.current() is None
        assert hub.loop() is None


async def test_stopping_without_a_server_does_nothing() -> None:
    await hub.stop()
    assert hub.current() is None


def test_loop_that_has_ended_leaves_no_server_behind() -> None:
    async def get() -> Any:
        return hub.get_server()

    first = asyncio.run(get())
    assert hub.current() is None
    second = asyncio.run(get())
    assert second is not first
