import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.request import Request
from django_vortex.transports import hub
from django_vortex.transports.asgi import VortexApplication, vortex_application
from django_vortex.transports.flow import SCOPE_KEY, Flow
from django_vortex.wire.envelope import PayloadEnvelope
from tests.unit.transports.asgi_driver import Connection

pytestmark = pytest.mark.usefixtures("fresh_hub")

ASK = '{"_ct":"rpe","filt":{"key":"test.asgi"},"data":null,"result":null,"date":null}'
INFO, BEAT = 1, 2


class Http:
    """An HTTP application that notes what it was called with."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []
        self.flows: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        self.flows.append(scope.get(SCOPE_KEY))


def make_application(**options: Any) -> VortexApplication:
    return vortex_application(http=Http(), **options)


@pytest.fixture
def peers() -> Iterator[list[Any]]:
    """An endpoint that notes who asked."""
    seen: list[Any] = []

    async def note(request: Request) -> list[Any]:
        seen.append(request.peer)
        return []

    endpoint = PayloadEndpoint({"key": "test.asgi"}, note)
    yield seen
    from django_vortex.routing.payload_io import payload_io

    payload_io.remove(endpoint)


@pytest.mark.parametrize("path", ["/live/vortex", "/live/vortex/", "/live/vortexws"])
async def test_websocket_of_an_included_path_is_a_vortex(path: str) -> None:
    socket = Connection.open_websocket(make_application(), path)
    await socket.wait_for(2)
    assert socket.types[:2] == ["websocket.accept", "websocket.send"]
    assert set(hub.get_server().connections) == {"u"}
    await socket.disconnect()
    assert not hub.get_server().connections


async def test_script_prefix_is_not_part_of_the_path() -> None:
    socket = Connection.open_websocket(make_application(), "/mounted/live/vortex")
    socket.scope["root_path"] = "/mounted"
    await socket.wait_for(2)
    await socket.disconnect()


async def test_other_websockets_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    extensions = {"websocket.http.response": {}}
    socket = Connection.open_websocket(make_application(), "/chat", extensions=extensions)
    await socket.end()
    assert [socket.sent[0]["status"], socket.types[1]] == [404, "websocket.http.response.body"]
    plain = Connection.open_websocket(make_application(), "/upload")
    await plain.end()
    assert plain.types == ["websocket.close"]
    assert caplog.text.count("There is no vortex at this path. The paths are those of") == 2


async def test_other_websockets_go_to_the_project() -> None:
    chat = Http()
    socket = Connection.open_websocket(make_application(websocket=chat), "/chat")
    await socket.end()
    assert [scope["path"] for scope in chat.scopes] == ["/chat"]


async def test_requests_go_to_the_http_application_with_their_flow() -> None:
    application = make_application()
    http: Any = application._http
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    await Connection(application, scope).end()
    (flow,) = http._inner.flows
    assert isinstance(flow, Flow)
    assert SCOPE_KEY not in scope


async def test_request_is_answered_over_the_websocket(peers: list[Any]) -> None:
    socket = Connection.open_websocket(make_application())
    socket.give({"type": "websocket.receive", "text": ASK})
    await socket.wait_for(3)
    assert '"test.asgi"' in socket.texts[-1]
    await socket.disconnect()
    (peer,) = peers
    assert (peer.uuid, peer.name, peer.address) == ("u", "n", "10.0.0.1")
    assert not peer.user.is_authenticated


async def test_websocket_takes_binary_messages_as_well(peers: list[Any]) -> None:
    socket = Connection.open_websocket(make_application())
    socket.give({"type": "websocket.receive", "bytes": ASK.encode()})
    await socket.wait_for(3)
    await socket.disconnect()
    assert len(peers) == 1


async def test_pushes_reach_the_websocket() -> None:
    socket = Connection.open_websocket(make_application())
    await socket.wait_for(2)
    assert hub.get_server().push(PayloadEnvelope({"key": "test.note"})) == 1
    await socket.wait_for(3)
    await socket.disconnect()


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ([(b"origin", b"https://evil.example")], {}, None),  # which servers make 403 of
        ([], {"vortexName": "n"}, 400),
    ],
)
async def test_refused_websocket_is_not_accepted(
    headers: list[tuple[bytes, bytes]], query: dict[str, str], status: int | None
) -> None:
    socket = Connection.open_websocket(
        make_application(),
        headers=headers,
        extensions={"websocket.http.response": {}},
        **query,
    )
    for _ in range(2):  # as uvicorn tells of the end
        socket.give({"type": "websocket.disconnect", "code": 1006})
    await socket.end()
    assert socket.sent[0].get("status") == status
    assert "websocket.accept" not in socket.types
    assert "websocket.accept" not in socket.types
    assert not hub.get_server().connections


async def test_server_that_stops_refuses_websockets() -> None:
    application = make_application()
    hub.get_server()
    await hub.stop()
    socket = Connection.open_websocket(application, extensions={"websocket.http.response": {}})
    await socket.end()
    assert socket.sent[0]["status"] == 503


async def test_stopping_closes_websockets() -> None:
    socket = Connection.open_websocket(make_application())
    await socket.wait_for(2)
    stopping = asyncio.ensure_future(hub.stop())
    await socket.wait_for(3)
    assert socket.sent[-1]["type"] == "websocket.close"
    assert socket.sent[-1]["code"] == 1000
    await socket.disconnect()
    await stopping


async def test_peer_that_does_not_close_is_cut_off_when_the_server_stops() -> None:
    socket = Connection.open_websocket(make_application())
    await socket.wait_for(2)
    await hub.stop()
    await socket.end()  # its task was cancelled, which is all an unknown server allows


async def test_new_socket_of_a_peer_takes_the_place_of_the_old_one() -> None:
    application = make_application()
    old = Connection.open_websocket(application)
    await old.wait_for(2)
    new = Connection.open_websocket(application)
    await new.wait_for(2)
    await old.wait_for(3)
    assert old.sent[-1]["type"] == "websocket.close"
    await old.disconnect()
    assert set(hub.get_server().connections) == {"u"}
    await new.disconnect()


async def test_lifespan_starts_and_stops_the_server() -> None:
    lifespan = Connection(make_application(), {"type": "lifespan"})
    lifespan.give({"type": "lifespan.startup"})
    await lifespan.wait_for(1)
    assert hub.loop() is asyncio.get_running_loop()
    assert hub.current() is not None
    lifespan.give({"type": "lifespan.shutdown"})
    await lifespan.end()
    assert lifespan.types == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert hub.get_server().is_draining


async def test_own_middleware_may_find_the_user(peers: list[Any]) -> None:
    def stack(inner: Any) -> Any:
        async def middleware(scope: Any, receive: Any, send: Any) -> None:
            await inner({**scope, "user": "found by token", "session": None}, receive, send)

        return middleware

    socket = Connection.open_websocket(make_application(websocket_stack=stack))
    socket.give({"type": "websocket.receive", "text": ASK})
    await socket.wait_for(3)
    await socket.disconnect()
    assert [peer.user for peer in peers] == ["found by token"]
