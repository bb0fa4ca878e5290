"""Released clients that cannot be run here, replayed byte for byte against our server.

What a reply has to be is read from the very message that was sent, with the eyes of the client that
sent it: the endpoints of `tests.e2e.app.vectors` reply with the tuples that came.
"""

import base64
import json
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.interop.readers import Message, read_d0, read_js, read_vortexpy_2, read_vortexpy_3_1
from tests.interop.scripted_peer import ScriptedPeer, load_vectors
from tests.interop.scripted_peers import (
    D0HttpPeer,
    JsHttpPeer,
    JsWebSocketPeer,
    VortexPy2HttpPeer,
    VortexPy31HttpPeer,
    as_vortexpy_3_1,
)
from tests.support.fixtures import StartServer
from tests.support.ports import HOST
from tests.support.servers import ServerProcess

SECRET = "the secret of the server"
MESSAGE_ID = "PayloadResponse.messageId"


@dataclass(frozen=True)
class Client:
    """A released client: how it is played, read, and what it was recorded to send."""

    play: type[ScriptedPeer]
    read: Callable[[str], Message]
    payloads: dict[str, str]
    envelopes: dict[str, str]


def recorded(file: str, section: str, field: str = "vortexMsg_b64") -> dict[str, str]:
    """Return the messages of a section that ask for something and were recorded to their end."""
    vectors = load_vectors(file, section)
    return {
        name: vector[field]
        for name, vector in vectors.items()
        if name not in ("empty", "server_info") and not vector.get(field, "...").endswith("...")
    }


PY_2_PAYLOADS = recorded("vortexpy-2.4.3.json", "payload_vectors")
PY_2_ENVELOPES = recorded("vortexpy-2.4.3.json", "envelope_vectors")
JS_PAYLOADS = recorded("vortexjs-2.4.2.json", "payload_vectors")
LATIN_1 = JS_PAYLOADS.pop("latin1_filt")
"""The browser sends its filt in Latin-1 and could not read it back that way."""
D0_PAYLOADS = recorded("vortexpy-0.3.0.json", "payload_vectors", "vortexMsg")

CLIENTS = {
    "vortexpy-0.3.0": Client(D0HttpPeer, read_d0, D0_PAYLOADS, {}),
    "vortexpy-2.4.3": Client(VortexPy2HttpPeer, read_vortexpy_2, PY_2_PAYLOADS, PY_2_ENVELOPES),
    "vortexpy-3.1": Client(
        VortexPy31HttpPeer,
        read_vortexpy_3_1,
        {name: as_vortexpy_3_1(message) for name, message in PY_2_PAYLOADS.items()},
        {name: as_vortexpy_3_1(message) for name, message in PY_2_ENVELOPES.items()},
    ),
    "vortexjs-http": Client(JsHttpPeer, read_js, JS_PAYLOADS, {}),
    "vortexjs-websocket": Client(JsWebSocketPeer, read_js, JS_PAYLOADS, {}),
}

PAYLOADS = [
    pytest.param(client, message, id=f"{client_name}-{name}")
    for client_name, client in CLIENTS.items()
    for name, message in client.payloads.items()
]
ENVELOPES = [
    pytest.param(client, message, id=f"{client_name}-{name}")
    for client_name, client in CLIENTS.items()
    for name, message in client.envelopes.items()
    if name != "server_echo"
]
ECHOES = [
    pytest.param(client, client.envelopes["server_echo"], id=client_name)
    for client_name, client in CLIENTS.items()
    if client.envelopes
]


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def server(request: pytest.FixtureRequest, start_server: StartServer) -> ServerProcess:
    return start_server(request.param, vortex={"HEARTBEAT_SECONDS": 0.5})


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> Client:
    return CLIENTS[request.param]


@pytest.fixture
def peer(client: Client, server: ServerProcess) -> Iterator[ScriptedPeer]:
    with client.play() as peer:
        peer.connect(HOST, server.port)
        yield peer


def anything(message: Message) -> bool:
    return True


def readdressed(message: str, *, content: Any = None, **filt: Any) -> str:
    """Return a recorded message with other entries in its filt, otherwise as it was recorded.

    Args:
        message: What was recorded.
        content: What is said instead: the encoded payload, or the tuples of the oldest client.
        **filt: The entries.
    """
    data = base64.b64decode(message)
    is_d0 = data.startswith(b"x")
    fields = json.loads(zlib.decompress(data) if is_d0 else data)
    fields["filt"] |= filt
    if content is not None:
        (name,) = {"tuples", "data", "encodedPayload"} & fields.keys()
        fields[name] = content
    changed = json.dumps(fields).encode()
    return base64.b64encode(zlib.compress(changed) if is_d0 else changed).decode()


@pytest.mark.parametrize(("client", "message"), PAYLOADS)
def test_recorded_payload_is_answered_with_its_tuples(
    client: Client, message: str, server: ServerProcess
) -> None:
    sent = client.read(message)
    with client.play() as peer:
        peer.connect(HOST, server.port)
        peer.send_vector(message)
        reply = peer.receive_until(anything)
        assert reply.filt == sent.filt
        assert not sent.reply_filt
        assert reply.result is None
        assert reply.tuples == sent.tuples
        assert peer.take_all() == []


@pytest.mark.parametrize(("client", "message"), ENVELOPES)
def test_recorded_envelope_is_answered(client: Client, message: str, server: ServerProcess) -> None:
    with client.play() as peer:
        peer.connect(HOST, server.port)
        peer.send_vector(message)
        reply = peer.receive_until(anything)
        assert reply.filt == client.read(message).filt
        assert (reply.result, reply.tuples) == (None, [])


@pytest.mark.parametrize(("client", "message"), ECHOES)
def test_recorded_echo_comes_back_and_is_answered(
    client: Client, message: str, server: ServerProcess
) -> None:
    with client.play() as peer:
        peer.connect(HOST, server.port)
        peer.send_vector(message)
        messages = [peer.receive_until(anything) for _ in range(2)]
        assert [one.filt for one in messages] == [{"key": "k"}] * 2
        assert sorted(one.payload is None for one in messages) == [False, True]


def test_beats_come_without_being_asked_for(peer: ScriptedPeer) -> None:
    peer.receive_beats(4)
    assert peer.take_all() == []


def test_crash_is_told_once_and_without_a_traceback(client: Client, peer: ScriptedPeer) -> None:
    peer.send_vector(readdressed(client.payloads["key_only"], key="e2e.fault"))
    told = peer.receive_until(lambda message: message.key == "e2e.fault")
    assert str(told.result).startswith("The server could not answer (ref ")
    assert SECRET not in told.result
    peer.receive_beats(2)
    assert peer.take_all() == []


def test_refusal_is_told_in_the_words_of_the_handler(client: Client, peer: ScriptedPeer) -> None:
    peer.send_vector(readdressed(client.payloads["key_only"], key="e2e.refusal"))
    told = peer.receive_until(lambda message: message.key == "e2e.refusal")
    assert told.result == "Not on a Sunday"


def test_message_over_the_limit_is_told_under_its_filt(client: Client, peer: ScriptedPeer) -> None:
    noise = random.Random(1).randbytes(700_000).hex()
    long = readdressed(client.payloads["one_tuple"], content=noise + noise, key="a.b", n="1")
    peer.send_vector(long)
    told = peer.receive_until(anything)
    assert (told.filt["n"], told.result) == ("1", "Message exceeds max_message_bytes (1048576)")
    peer.send_vector(readdressed(client.payloads["one_tuple"], key="a.b", n="2"))
    assert peer.receive_until(anything).filt["n"] == "2"


def test_airports_arrive_in_every_dialect(client: Client, peer: ScriptedPeer) -> None:
    peer.send_vector(readdressed(client.payloads["key_only"], key="airports.all"))
    reply = peer.receive_until(lambda message: message.key == "airports.all")
    assert len(reply.tuples) == 3376
    assert {airport.type_name for airport in reply.tuples} == {"airports.Airport"}
    assert {len(airport.fields) for airport in reply.tuples} == {7}


def test_push_is_written_in_the_dialect_of_the_peer(
    client: Client, peer: ScriptedPeer, server: ServerProcess
) -> None:
    peer.send_vector(readdressed(client.payloads["key_only"], key="a.b"))
    peer.receive_until(lambda message: message.key == "a.b")
    server.push(key="pushed", first=1, count=5, to_peer=peer.uuid, wait=1)
    pushes = [peer.receive_until(lambda message: message.key == "pushed") for _ in range(5)]
    assert [push.tuples for push in pushes] == [[number] for number in range(1, 6)]


def test_browser_that_has_said_nothing_reads_a_push(server: ServerProcess) -> None:
    with JsWebSocketPeer() as peer:
        peer.connect(HOST, server.port)
        server.push(key="pushed", first=7, to_peer=peer.uuid, wait=1)
        assert peer.receive_until(lambda message: message.key == "pushed").tuples == [7]


@pytest.mark.parametrize("play", [JsHttpPeer, VortexPy2HttpPeer, VortexPy31HttpPeer, D0HttpPeer])
def test_quick_posts_of_a_page_that_loads_lose_no_reply(
    play: type[ScriptedPeer], server: ServerProcess
) -> None:
    (client,) = (one for one in CLIENTS.values() if one.play is play)
    numbers = range(30)
    with play() as peer:
        assert isinstance(peer, JsHttpPeer | VortexPy2HttpPeer | VortexPy31HttpPeer | D0HttpPeer)
        peer.connect(HOST, server.port)
        for number in numbers:
            peer.send_vector(readdressed(client.payloads["one_tuple"], key="a.b", number=number))
        replies = [peer.receive_until(lambda message: bool(message.filt)) for _ in numbers]
        assert {reply.filt["number"] for reply in replies} == set(numbers)
        peer.wait_until_replaced()


@pytest.mark.parametrize("cut", [1, 7, 100])
def test_browser_may_cut_its_messages_anywhere(cut: int, server: ServerProcess) -> None:
    messages = [
        readdressed(JS_PAYLOADS["one_tuple"], key="a.b", number=number) for number in range(3)
    ]
    stream = "".join(f"{message}." for message in messages)
    with JsWebSocketPeer() as peer:
        peer.connect(HOST, server.port)
        peer.send_frames(*(stream[start : start + cut] for start in range(0, len(stream), cut)))
        replies = [peer.receive_until(anything) for _ in messages]
        assert {reply.filt["number"] for reply in replies} == {0, 1, 2}


def test_fragmented_message_of_a_browser_is_answered(server: ServerProcess) -> None:
    message = JS_PAYLOADS["one_tuple"] + "."
    with JsWebSocketPeer() as peer:
        peer.connect(HOST, server.port)
        peer.send_frames([message[:10], message[10:50], message[50:]])
        assert peer.receive_until(anything).tuples == read_js(JS_PAYLOADS["one_tuple"]).tuples


def test_message_id_of_a_request_comes_back(server: ServerProcess) -> None:
    with VortexPy2HttpPeer() as peer:
        peer.connect(HOST, server.port)
        peer.send_vector(PY_2_ENVELOPES["msgid"])
        assert peer.receive_until(anything).filt == {"key": "k", MESSAGE_ID: "abc1"}


@pytest.mark.parametrize("play", [JsHttpPeer, JsWebSocketPeer])
def test_filt_in_latin_1_is_understood(play: type[ScriptedPeer], server: ServerProcess) -> None:
    with play() as peer:
        peer.connect(HOST, server.port)
        peer.send_vector(LATIN_1)
        assert peer.receive_until(anything).filt == {"key": "a.b", "q": "h\xe9"}
