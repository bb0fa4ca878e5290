import threading

import pytest
from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async

from django_vortex.transports.request_thread import release_request_thread


async def test_thread_ends_and_a_later_one_takes_its_place() -> None:
    async with ThreadSensitiveContext():
        thread = await sync_to_async(threading.current_thread)()
        await release_request_thread()
        thread.join(60)
        assert not thread.is_alive()
        assert await sync_to_async(threading.current_thread)() is not thread


async def test_connections_of_the_thread_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed_in: list[threading.Thread] = []

    class Connections:
        def close_all(self) -> None:
            closed_in.append(threading.current_thread())

    monkeypatch.setattr("django_vortex.transports.request_thread.connections", Connections())
    async with ThreadSensitiveContext():
        thread = await sync_to_async(threading.current_thread)()
        await release_request_thread()
    assert closed_in == [thread]


async def test_request_without_a_thread_has_nothing_to_release() -> None:
    async with ThreadSensitiveContext():
        await release_request_thread()


async def test_thread_of_everybody_is_left_alone() -> None:
    """Outside of a request, as in Django's test client, the thread is not this request's own."""
    thread = await sync_to_async(threading.current_thread)()
    await release_request_thread()
    assert await sync_to_async(threading.current_thread)() is thread


async def test_asgiref_that_keeps_it_elsewhere_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with ThreadSensitiveContext():
        thread = await sync_to_async(threading.current_thread)()
        with monkeypatch.context() as patch:
            patch.delattr(SyncToAsync, "context_to_thread_executor")
            await release_request_thread()
        assert await sync_to_async(threading.current_thread)() is thread
