import asyncio
import base64
import json
from typing import Any

import pytest

from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.payload_io import payload_io
from django_vortex.routing.request import Request
from django_vortex.server.requests import READ_AHEAD_FACTOR
from django_vortex.transports import hub
from django_vortex.transports.consumer import VortexConsumer
from django_vortex.transports.flow import SCOPE_KEY, Flow
from tests.unit.transports.asgi_driver import Connection

pytestmark = pytest.mark.usefixtures("fresh_hub")


class Recorder(Flow):
    """A flow that notes when reading is paused."""

    __slots__ = ("calls",)

    def __init__(self, send: Any) -> None:
        super().__init__(send)
        self.calls: list[str] = []

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")


def ask(number: int) -> dict[str, Any]:
    filt = {"key": "test.consumer", "number": number}
    text = json.dumps({"_ct": "rpe", "filt": filt, "data": None, "result": None, "date": None})
    return {"type": "websocket.receive", "text": text}


def replied_number(text: str) -> int:
    number = json.loads(text)["filt"]["number"]
    return int(number["_fd"] if isinstance(number, dict) else number)


async def test_consumer_works_in_a_router_of_the_project() -> None:
    socket = Connection.open_websocket(VortexConsumer.as_asgi(), "/anywhere")
    await socket.wait_for(2)
    assert socket.types[:2] == ["websocket.accept", "websocket.send"]
    await socket.disconnect()
    assert not hub.get_server().connections


async def test_browser_gets_the_subprotocol_that_it_offers_and_its_token_is_forgotten() -> None:
    offered = (b"sec-websocket-protocol", b"vortex.native, vortex.token.c2VjcmV0")
    socket = Connection.open_websocket(VortexConsumer.as_asgi(), headers=[offered])
    await socket.wait_for(2)
    assert socket.sent[0] == {"type": "websocket.accept", "subprotocol": "vortex.native"}
    (connection,) = hub.get_server().connections.values()
    assert (offered[0], b"vortex.native") in connection.peer.scope["headers"]
    assert "c2VjcmV0" not in repr(connection.peer.scope)
    await socket.disconnect()


async def test_socket_costs_no_task_of_its_own() -> None:
    before = len(asyncio.all_tasks())
    socket = Connection.open_websocket(VortexConsumer.as_asgi())
    await socket.wait_for(2)
    # The one is the ASGI server's, here the test's.
    assert len(asyncio.all_tasks()) == before + 1
    await socket.disconnect()


async def test_busy_peer_is_not_read_from_until_it_has_caught_up(settings: Any) -> None:
    settings.VORTEX = {**settings.VORTEX, "MAX_REQUESTS_IN_FLIGHT": 2}
    may_answer = asyncio.Event()
    asked: list[int] = []

    async def answer(request: Request) -> None:
        asked.append(request.filt["number"])
        await may_answer.wait()

    endpoint = PayloadEndpoint({"key": "test.consumer"}, answer)
    socket = Connection.open_websocket(VortexConsumer.as_asgi())
    flow = socket.scope[SCOPE_KEY] = Recorder(socket._send)
    waiting = 2 * READ_AHEAD_FACTOR + 1
    for number in range(2 + waiting + 2):
        socket.give(ask(number))
    async with asyncio.timeout(60):
        while not flow.calls:
            await asyncio.sleep(0)
    for _ in range(10):
        await asyncio.sleep(0)
    assert asked == [0, 1]
    assert socket._events.qsize() == 2  # what may wait is in, and no more
    assert flow.calls == ["pause"]
    may_answer.set()
    async with asyncio.timeout(60):
        while len(asked) < 2 + waiting + 2:
            await asyncio.sleep(0)
    assert flow.calls[:2] == ["pause", "resume"]
    assert flow.calls.count("pause") == flow.calls.count("resume")
    await socket.disconnect()
    payload_io.remove(endpoint)


async def test_slow_handler_holds_up_nothing_else() -> None:
    async def answer(request: Request) -> list[int]:
        if request.filt["number"] == 0:
            await asyncio.Event().wait()
        return [request.filt["number"]]

    endpoint = PayloadEndpoint({"key": "test.consumer"}, answer)
    socket = Connection.open_websocket(VortexConsumer.as_asgi())
    socket.give(ask(0))
    socket.give(ask(1))
    await socket.wait_for(3)
    assert replied_number(socket.texts[-1]) == 1
    await socket.disconnect()
    payload_io.remove(endpoint)


async def test_cancelled_by_the_server_is_cancelled() -> None:
    socket = Connection.open_websocket(VortexConsumer.as_asgi())
    await socket.wait_for(2)
    socket._task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await socket._task
    assert not hub.get_server().connections


async def test_peer_that_leaves_before_the_handshake_leaves_nothing_behind() -> None:
    socket = Connection(VortexConsumer.as_asgi(), {"type": "websocket"})
    socket.give({"type": "websocket.disconnect", "code": 1006})
    await socket.end()
    assert socket.sent == []


async def test_what_a_replaced_socket_still_says_is_not_taken_for_the_words_of_the_newer() -> None:
    asked: list[int] = []

    async def answer(request: Request) -> list[int]:
        asked.append(request.filt["number"])
        return []

    endpoint = PayloadEndpoint({"key": "test.consumer"}, answer)
    old = Connection.open_websocket(VortexConsumer.as_asgi())
    await old.wait_for(2)
    new = Connection.open_websocket(VortexConsumer.as_asgi())
    await new.wait_for(2)
    old.give(ask(1))
    old.give({"type": "websocket.receive", "text": "A"})  # the beginning of a message
    await old.disconnect()
    new.give(ask(2))
    await new.wait_for(3)
    assert asked == [2]
    assert replied_number(new.texts[-1]) == 2
    await new.disconnect()
    endpoint.close()


async def test_frame_of_very_many_messages_lets_others_run_in_between() -> None:
    turns_of_others = 0
    socket = Connection.open_websocket(VortexConsumer.as_asgi())
    await socket.wait_for(2)
    empty = base64.b64encode(b'{"_ct":"rpe"}').decode() + "."
    socket.give({"type": "websocket.receive", "text": empty * 5000 + "A."})
    while len(socket.texts) < 2:  # the answer to the nonsense at the end
        await asyncio.sleep(0)
        turns_of_others += 1
    assert turns_of_others > 5
    await socket.disconnect()


async def test_page_without_tls_is_refused_where_a_proxy_ends_tls(settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    forwarded = (b"x-forwarded-proto", b"https")
    for origin, first in ((b"http://localhost", "close"), (b"https://localhost", "accept")):
        socket = Connection.open_websocket(
            VortexConsumer.as_asgi(), headers=[forwarded, (b"origin", origin)]
        )
        await socket.wait_for(1)
        assert socket.types[0] == f"websocket.{first}"
        if first == "accept":
            await socket.disconnect()
