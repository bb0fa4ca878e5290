"""The scripted peers complain when a server does what the released clients cannot bear."""

import base64
import json
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from websockets.sync.server import ServerConnection, serve

from tests.interop import scripted_peer
from tests.interop.readers import Unreadable
from tests.interop.scripted_peer import Disconnected, GaveUp, TimedOut
from tests.interop.scripted_peers import (
    D0HttpPeer,
    HttpPeer,
    JsHttpPeer,
    JsWebSocketPeer,
    VortexPy2HttpPeer,
    VortexPy31HttpPeer,
)
from tests.support.ports import HOST

DATE = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
INFO_FILT = {"__vortexUuid__": "u", "__vortexName__": "n"}
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/text\r\nTransfer-Encoding: chunked\r\n\r\n"


def b64(data: str | bytes) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def wire_date(late: int = 0) -> dict[str, str]:
    moment = DATE + timedelta(milliseconds=late)
    return {"_ft": "datetime", "_fd": f"{moment:%Y-%m-%d %H:%M:%S.%f}+0000"}


def envelope(filt: dict[str, Any], late: int = 0, **fields: Any) -> str:
    message = {"_ct": "rpe", "filt": filt, "result": None, "date": wire_date(late), **fields}
    return b64(json.dumps(message))


def d0(filt: dict[str, Any], *tuples: Any) -> str:
    date = {"_ft": "datetime", "_fd": f"{DATE:%Y-%m-%d %H:%M:%S.%f}"}
    message = {
        "_ct": "rp",
        "filt": filt,
        "replyFilt": {},
        "tuples": list(tuples),
        "result": None,
        "date": date,
    }
    return b64(zlib.compress(json.dumps(message).encode()))


INFO = envelope(INFO_FILT)


class HttpFake:
    """A server that reads a POST, hands its body out and then writes what it is told to."""

    def __init__(self) -> None:
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self.targets: list[str] = []
        self.bodies: list[str] = []
        self.sockets: list[socket.socket] = []

    def answer(self, *chunks: str, head: str = HEAD, end: str = "") -> None:
        """Take one request and answer it, in a thread, since the peer waits meanwhile."""
        self._thread = threading.Thread(target=self._answer, args=(chunks, head, end))
        self._thread.start()

    def _answer(self, chunks: tuple[str, ...], head: str, end: str) -> None:
        connection, _ = self._listener.accept()
        self.sockets.append(connection)
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65_536)
        request, _, body = data.partition(b"\r\n\r\n")
        length = int(request.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += connection.recv(65_536)
        self.targets.append(request.decode().split(" ")[1])
        self.bodies.append(body.decode())
        body = [f"{len(chunk):x}\r\n{chunk}\r\n" for chunk in chunks]
        with suppress(ConnectionError):  # a peer that has seen enough leaves
            for text in (head, *body, end):
                self.write(text, connection)

    def write(self, text: str, connection: socket.socket | None = None) -> None:
        """Write to the newest connection, or to a given one."""
        (connection or self.sockets[-1]).sendall(text.encode())

    def wait(self) -> None:
        """Wait until the answer is written."""
        self._thread.join()

    def close(self) -> None:
        """End everything."""
        self._thread.join()
        for connection in self.sockets:
            connection.close()
        self._listener.close()


@pytest.fixture
def http_fake() -> Iterator[HttpFake]:
    fake = HttpFake()
    yield fake
    fake.close()


ENVELOPE_PEERS: list[type[HttpPeer]] = [VortexPy2HttpPeer, VortexPy31HttpPeer, JsHttpPeer]


@pytest.mark.parametrize("peer_class", ENVELOPE_PEERS)
def test_message_is_read_however_the_chunks_are_cut(
    http_fake: HttpFake, peer_class: type[HttpPeer]
) -> None:
    text = f".{INFO}..{envelope({'key': 'k'}, 1)}."
    http_fake.answer(text[:7], text[7:30], text[30:])
    with peer_class() as peer:
        peer.connect(HOST, http_fake.port)
        assert peer.receive_until(lambda message: message.key == "k").result is None
        assert peer.beats == 2


def test_d0_peer_reads_whole_payloads(http_fake: HttpFake) -> None:
    http_fake.answer(f"{d0(INFO_FILT)}.", f"{d0({})}.", f"{d0({'key': 'k'}, 'x')}.")
    with D0HttpPeer() as peer:
        peer.connect(HOST, http_fake.port)
        assert peer.receive_until(lambda message: message.key == "k").tuples == ["x"]
        assert peer.beats == 1
    assert http_fake.bodies[0] == D0HttpPeer.opening + "."


@pytest.mark.parametrize("empty", [INFO_FILT, {}])
def test_d0_peer_reads_what_follows_an_empty_payload_when_more_comes(
    http_fake: HttpFake, empty: dict[str, Any]
) -> None:
    http_fake.answer(f"{d0(INFO_FILT)}.", f"{d0(empty)}.{d0({'key': 'k'}, 'x')}.")
    with D0HttpPeer() as peer:
        peer.connect(HOST, http_fake.port)
        http_fake.wait()
        with pytest.raises(TimedOut):
            peer.receive_until(lambda message: message.key == "k", timeout=0.2)
        http_fake.write("1\r\ne\r\n")
        assert peer.receive_until(lambda message: message.key == "k").tuples == ["x"]


@pytest.mark.parametrize("chunks", [[".", f"{d0(INFO_FILT)}."], [f"{d0(INFO_FILT)}.", "."]])
def test_lone_dot_stalls_the_d0_peer(http_fake: HttpFake, chunks: list[str]) -> None:
    http_fake.answer(*chunks)
    with D0HttpPeer() as peer, pytest.raises(Unreadable, match="stalls"):
        peer.connect(HOST, http_fake.port)
        peer.receive_until(lambda message: True)


@pytest.mark.parametrize("peer_class", [*ENVELOPE_PEERS, D0HttpPeer])
@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('{"_ct":"rpe","filt":{},"date":"05.678"}.', Unreadable),
        ("<html>Log in</html>", Unreadable),
        (f"{envelope({'key': 'k'})}.", Unreadable),
        (f"{d0({'key': 'k'})}.", Unreadable),
    ],
)
def test_nobody_takes_these_for_a_beginning(
    http_fake: HttpFake, peer_class: type[HttpPeer], text: str, error: type[AssertionError]
) -> None:
    http_fake.answer(text)
    with peer_class() as peer, pytest.raises(error):
        peer.connect(HOST, http_fake.port)


@pytest.mark.parametrize(
    ("head", "end", "what"),
    [
        ("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", "", "Status 503"),
        (HEAD, "0\r\n\r\n", "newest response has been ended"),
    ],
)
def test_refused_or_ended_response_is_told(
    http_fake: HttpFake, head: str, end: str, what: str
) -> None:
    http_fake.answer(head=head, end=end)
    with VortexPy2HttpPeer() as peer, pytest.raises(Disconnected, match=what):
        peer.connect(HOST, http_fake.port)


def test_response_that_breaks_off_is_told(http_fake: HttpFake) -> None:
    http_fake.answer(f".{INFO}.")
    with VortexPy2HttpPeer() as peer:
        peer.connect(HOST, http_fake.port)
        http_fake.wait()
        http_fake.sockets[-1].close()
        with pytest.raises(Disconnected, match="in the middle"):
            peer.receive_until(lambda message: True)


def test_older_response_must_end_when_a_newer_is_there(http_fake: HttpFake) -> None:
    http_fake.answer(f".{INFO}.")
    with JsHttpPeer("a+name", "an-uuid") as peer:
        peer.connect(HOST, http_fake.port)
        http_fake.wait()
        http_fake.answer(f".{INFO}.", f"{envelope({'key': 'k'}, 5)}.")
        peer.send_vector(b"AAAA")
        http_fake.wait()
        http_fake.write(f"{len(INFO) + 1:x}\r\n{INFO}.\r\n0\r\n\r\n", http_fake.sockets[0])
        peer.wait_until_replaced()
        assert peer.receive_until(lambda message: True).key == "k"
    assert http_fake.bodies == ["", "AAAA."]
    assert http_fake.targets[0].startswith("/vortex?vortexUuid=an-uuid&vortexName=a+name&__rand")


def test_posts_that_overtake_each_other_leave_either_response(http_fake: HttpFake) -> None:
    http_fake.answer(f".{INFO}.")
    with VortexPy2HttpPeer() as peer:
        peer.connect(HOST, http_fake.port)
        http_fake.wait()
        for end in ("", "0\r\n\r\n"):
            http_fake.answer(f".{INFO}.", end=end)
            peer.send_vector(b"AAAA")
            http_fake.wait()
        http_fake.write("0\r\n\r\n", http_fake.sockets[0])
        peer.wait_until_replaced()
        http_fake.write("0\r\n\r\n", http_fake.sockets[1])
        with pytest.raises(Disconnected, match="newest response"):
            peer.receive_until(lambda message: True)


@pytest.mark.parametrize("later", [0, -1])
def test_browser_drops_what_is_not_strictly_later(http_fake: HttpFake, later: int) -> None:
    first, second = envelope({"key": "k"}, 9), envelope({"key": "k"}, 9 + later)
    http_fake.answer(f".{INFO}.{first}.{envelope({'key': 'other'}, 1)}.{second}.")
    with JsHttpPeer() as peer, pytest.raises(Unreadable, match="Dropped"):
        peer.connect(HOST, http_fake.port)
        peer.receive_until(lambda message: False)


def test_python_takes_equal_dates_but_none_without(http_fake: HttpFake) -> None:
    first, second = envelope({"key": "k"}, 9), envelope({"key": "k"}, 9)
    http_fake.answer(f".{INFO}.{first}.{second}.{envelope({'key': 'k'}, date=None)}.")
    with VortexPy2HttpPeer() as peer, pytest.raises(Unreadable, match="without a date"):
        peer.connect(HOST, http_fake.port)
        peer.receive_until(lambda message: False)


def test_silent_server_is_given_up(http_fake: HttpFake, monkeypatch: pytest.MonkeyPatch) -> None:
    http_fake.answer(f".{INFO}.")
    with JsHttpPeer() as peer:
        peer.connect(HOST, http_fake.port)
        monkeypatch.setattr(scripted_peer, "SILENCE_SECONDS", 0.05)
        with pytest.raises(GaveUp):
            peer.receive_until(lambda message: True)


def test_missing_message_is_told_with_what_came_instead(http_fake: HttpFake) -> None:
    http_fake.answer(f".{INFO}.{envelope({'key': 'other'}, 1)}.")
    with JsHttpPeer() as peer:
        peer.connect(HOST, http_fake.port)
        assert peer.receive_until(lambda message: message.key == "other")
        with pytest.raises(TimedOut):
            peer.receive_until(lambda message: True, timeout=0.05)
        assert peer.take_all() == []


@contextmanager
def websocket_fake(talk: Callable[[ServerConnection], None]) -> Iterator[int]:
    with serve(talk, HOST, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.socket.getsockname()[1]
        server.shutdown()
        thread.join()


def test_browser_echoes_dots_and_reads_messages_without() -> None:
    heard: list[str | bytes] = []

    def talk(connection: ServerConnection) -> None:
        connection.send(INFO)
        heard.append(connection.recv())
        connection.send(".")
        heard.append(connection.recv())
        connection.send(envelope({"key": "k"}, 1))
        connection.recv()

    with websocket_fake(talk) as port, JsWebSocketPeer() as peer:
        peer.connect(HOST, port)
        peer.send_vector("AAAA")
        assert peer.receive_until(lambda message: message.key == "k").payload is None
        assert peer.beats == 1
        peer.send_frames(".")
    assert heard == ["AAAA.", "."]


@pytest.mark.parametrize(
    "frame",
    [
        INFO.encode(),
        f"{INFO}.",
        f".{INFO}.",
        base64.b64decode(INFO).decode(),
        envelope({"key": "k"}),
    ],
)
def test_browser_refuses_binary_dotted_and_raw_frames(frame: str | bytes) -> None:
    def talk(connection: ServerConnection) -> None:
        connection.send(frame)
        connection.recv()

    with (
        websocket_fake(talk) as port,
        JsWebSocketPeer() as peer,
        pytest.raises(Unreadable),
    ):
        peer.connect(HOST, port)


def test_browser_tells_a_closed_connection() -> None:
    with (
        websocket_fake(lambda connection: connection.close(4000, "enough")) as port,
        JsWebSocketPeer() as peer,
        pytest.raises(Disconnected, match="enough"),
    ):
        peer.connect(HOST, port)
