"""``TupleDataObserverService`` of VortexJS, played byte by byte, and our queries (PROTOCOL 11).

The service resubscribes whenever it comes online, and reads what it observes from the filt of the
envelope, its offline sibling from the filt inside the payload (PROTOCOL 4.5).
"""

import base64
import json
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.interop.readers import Message, Record
from tests.interop.scripted_peer import ScriptedPeer
from tests.interop.scripted_peers import JsHttpPeer, JsWebSocketPeer
from tests.support.fixtures import StartServer
from tests.support.ports import HOST
from tests.support.redis_server import RedisServer
from tests.support.servers import ServerProcess

KEY = "tupleDataObservable"
OBSERVABLE = {"key": KEY, "name": "example"}


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def make_message(filt: dict[str, Any], *, tuples: list[Any] | None = None) -> str:
    """Return what VortexJS sends under a filt; observers send an empty payload with the same."""
    payload = compact({"_ct": "rp", "filt": filt, "tuples": tuples or [], "date": None})
    encoded = base64.b64encode(zlib.compress(payload, 9)).decode()
    envelope = {"_ct": "rpe", "filt": filt, "encodedPayload": encoded, "result": None, "date": None}
    return base64.b64encode(compact(envelope)).decode()


def select(name: str, /, **selector: Any) -> dict[str, Any]:
    return {"_ct": "rt", "_c": "vortex.TupleSelector", "name": name, "selector": selector}


class Observer:
    """The service on a scripted peer."""

    def __init__(self, peer: ScriptedPeer) -> None:
        self.peer = peer

    def send(self, **members: Any) -> None:
        self.peer.send_vector(make_message({**OBSERVABLE, **members}))

    def subscribe(self, selector: Any) -> None:
        self.send(subscribe=True, tupleSelector=selector, unsubscribe=False, disableCache=False)

    def unsubscribe(self, selector: Any) -> None:
        self.send(subscribe=True, unsubscribe=True, tupleSelector=selector)

    def poll(self, selector: Any) -> Message:
        message_id = uuid.uuid4().hex
        self.send(
            subscribe=False,
            useCache=True,
            tupleSelector=selector,
            **{"PayloadResponse.messageId": message_id},
        )
        return self.peer.receive_until(
            lambda message: message.filt.get("PayloadResponse.messageId") == message_id
        )

    def wait_for(self, selector: Any, tuples: list[Any]) -> Message:
        """Wait for an answer as the service reads it: only the newest of a selector counts."""
        wanted = Record("vortex.TupleSelector", {k: selector[k] for k in ("name", "selector")})

        def is_wanted(message: Message) -> bool:
            if message.key != KEY or message.payload is None:
                return False
            assert message.filt["tupleSelector"] == message.payload.filt["tupleSelector"]
            return message.filt["tupleSelector"] == wanted and message.tuples == tuples

        return self.peer.receive_until(is_wanted)

    def fill(self, shelf: str, *numbers: int) -> None:
        filt = {"key": "e2e.fill_shelf", "name": shelf, "PayloadResponse.messageId": shelf}
        self.peer.send_vector(make_message(filt, tuples=list(numbers)))
        reply = self.peer.receive_until(lambda message: message.key == "e2e.fill_shelf")
        assert reply.result is None


@pytest.fixture(params=[JsWebSocketPeer, JsHttpPeer], ids=["websocket", "http"])
def observer(request: pytest.FixtureRequest, server: ServerProcess) -> Iterator[Observer]:
    with request.param() as peer:
        peer.connect(HOST, server.port)
        yield Observer(peer)


@pytest.fixture
def shelf() -> str:
    """The name of a shelf that no other test fills."""
    return uuid.uuid4().hex


def test_a_subscription_is_answered_and_shown_each_change(observer: Observer, shelf: str) -> None:
    numbers = select("e2e.shelf", name=shelf, least=2)
    count = select("e2e.shelf_count", name=shelf)
    observer.subscribe(numbers)
    first = observer.wait_for(numbers, [])
    assert first.filt["subscribe"] is True
    observer.subscribe(count)
    observer.wait_for(count, [0])
    observer.fill(shelf, 1, 2, 3)
    pushed = observer.wait_for(numbers, [2, 3])
    assert set(pushed.filt) == {"key", "name", "tupleSelector"}
    observer.wait_for(count, [3])


def test_a_poll_is_answered_under_its_own_filt(observer: Observer, shelf: str) -> None:
    observer.fill(shelf, 4)
    reply = observer.poll(select("e2e.shelf", name=shelf))
    assert reply.tuples == [4]
    assert reply.filt["useCache"] is True
    observer.fill(shelf, 5)
    observer.poll(select("e2e.shelf", name=shelf))
    assert [one for one in observer.peer.take_all() if one.key == KEY] == []


def test_who_unsubscribes_is_shown_nothing_more(observer: Observer, shelf: str) -> None:
    ended, going_on = select("e2e.shelf", name=shelf), select("e2e.shelf_count", name=shelf)
    for selector, first in ((ended, []), (going_on, [0])):
        observer.subscribe(selector)
        observer.wait_for(selector, first)
    observer.unsubscribe(ended)
    assert observer.poll(ended).tuples == []  # it comes behind
    observer.fill(shelf, 1)
    observer.wait_for(going_on, [1])
    assert [one for one in observer.peer.take_all() if one.key == KEY] == []


def test_a_wrong_argument_is_told(observer: Observer) -> None:
    observer.subscribe(select("e2e.shelf", name=5))
    told = observer.peer.receive_until(lambda message: message.key == KEY)
    assert told.result == "Argument 'name': Expected `str`, got 5"
    reply = observer.poll(select("e2e.shelf", name="x", many=1))
    assert reply.result == "Argument 'many': There is no such argument"


def test_whole_numbers_and_dates_of_a_browser_are_what_they_mean(observer: Observer) -> None:
    day = {"_ft": "datetime", "_fd": "2024-01-02 00:00:00.000000+0000"}
    for value in (day, "2024-01-02"):
        reply = observer.poll(select("e2e.nearest", day=value, price=2))
        assert reply.tuples == ["2024-01-02", 4]


def test_a_peer_that_comes_back_subscribes_again(
    server: ServerProcess, observer: Observer, shelf: str
) -> None:
    numbers = select("e2e.shelf", name=shelf)
    observer.subscribe(numbers)
    observer.wait_for(numbers, [])
    observer.peer.close()
    with type(observer.peer)(peer_uuid=observer.peer.uuid) as peer:
        peer.connect(HOST, server.port)
        again = Observer(peer)
        again.subscribe(numbers)
        again.wait_for(numbers, [])
        again.fill(shelf, 9)
        again.wait_for(numbers, [9])


@pytest.mark.parametrize("layer", ["pubsub", "core"])
def test_an_observer_is_followed_from_process_to_process(
    layer: str, redis_server: RedisServer, start_server: StartServer, tmp_path: Path
) -> None:
    path = tmp_path / "lines"
    path.write_text("")
    options = {"layer": layer, "redis_url": redis_server.url}
    servers = [start_server("uvicorn", **options) for _ in range(2)]
    lines = select("e2e.lines", path=str(path))
    written: list[str] = []
    with JsHttpPeer() as peer, JsWebSocketPeer() as writer:
        peer.connect(HOST, servers[0].port)
        writer.connect(HOST, servers[1].port)
        observer = Observer(peer)
        observer.subscribe(lines)
        observer.wait_for(lines, [])
        for server in (servers[0], servers[1], servers[0]):
            peer.move_to(HOST, server.port)
            assert observer.poll(lines).tuples == written  # which takes the peer there
            peer.wait_until_replaced()
            written.append(str(len(written)))
            filt = {"key": "e2e.add_line", "path": str(path), "line": written[-1]}
            writer.send_vector(make_message(filt))
            observer.wait_for(lines, written)
    for server in servers:
        server.stop()
