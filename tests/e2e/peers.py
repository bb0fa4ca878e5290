"""Peers of these tests: one that reads what it gets, and one that never reads."""

import base64
import http.client
import json
import os
import socket
import uuid
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from tests.interop.wires import HttpWire, WebSocketWire
from tests.support.ports import HOST
from tests.support.servers import ServerProcess

BEAT = "."


class ReadingPeer:
    """A peer over either transport that gives the messages it gets, decoded as far as the filt.

    Args:
        transport: ``"websocket"`` or ``"http"``.
        port: Of the server.
        uuid: Of the peer.
        headers: Of its requests.
        dialect: As which it announces itself; "" is a released client.
    """

    def __init__(
        self,
        transport: str,
        port: int,
        uuid: str,
        *,
        headers: dict[str, str] | None = None,
        dialect: str = "native",
    ) -> None:
        query = {"vortexUuid": uuid, "vortexName": "reader", "vortexDialect": dialect}
        self.wire: WebSocketWire | HttpWire
        if transport == "websocket":
            self.wire = WebSocketWire(port, query, path="/vortex", headers=headers or {})
        else:
            self.wire = HttpWire(port, query, headers=headers or {})
            self.wire.post("")
        self.pieces = self._read()
        self.read_info()

    def read_info(self) -> dict[str, Any]:
        """Read up to the info envelope, which is the first message on a stream."""
        info = next(message for message in self.messages() if message is not None)
        assert "__vortexUuid__" in info["filt"], info
        return info

    def send(self, *envelopes: dict[str, Any]) -> None:
        """Send envelopes given as JSON; over HTTP all in one request."""
        texts = [
            json.dumps({"_ct": "rpe", "result": None, "date": None, **one}) for one in envelopes
        ]
        if isinstance(self.wire, WebSocketWire):
            for text in texts:
                self.wire.send(text)
        else:
            self.post("".join(base64.b64encode(one.encode()).decode() + "." for one in texts))

    def post(self, body: str) -> None:
        """Send a body as it is, and read on from the response to it."""
        assert isinstance(self.wire, HttpWire)
        self.wire.post(body)
        self.pieces = self._read()

    def ask(self, **filt: Any) -> None:
        """Send a request without a payload."""
        self.send({"filt": filt, "data": None})

    def is_reached_by(self, server: ServerProcess) -> bool:
        """Push at a server, and return whether that arrives here before the next heart-beat."""
        key = f"meet.{uuid.uuid4()}"
        server.push(key=key)
        # Heart-beats come every second, so this ends also when the push was lost.
        for message in self.messages():
            if message is None:
                return False
            if message["filt"]["key"] == key:
                return True
        raise AssertionError("The stream ended")

    def messages(self) -> Iterator[dict[str, Any] | None]:
        """Yield the messages as they come, None for a heart-beat; ends with the stream."""
        for piece in self.pieces:
            yield decode_envelope(piece) if piece else None

    def wait_for(self, *keys: str) -> dict[str, Any]:
        """Read up to the next message with one of these keys."""
        for message in self.messages():
            if message is not None and message["filt"].get("key") in keys:
                return message
        raise AssertionError(f"The stream ended before {keys}")

    def close(self) -> None:
        """Go away."""
        self.wire.close()

    def _read(self) -> Iterator[str]:
        """Return pieces without their dots; a beat is an empty one."""
        if isinstance(self.wire, HttpWire):
            return read_response(self.wire.response)
        return read_websocket(self.wire)


def read_websocket(wire: WebSocketWire) -> Iterator[str]:
    while True:
        yield wire.receive().removesuffix(BEAT)


def read_response(response: http.client.HTTPResponse) -> Iterator[str]:
    """Yield the pieces of one response up to its end, whether or not there is a newer one."""
    rest = ""
    while received := response.read1(65_536):
        *pieces, rest = (rest + received.decode("ascii")).split(BEAT)
        yield from pieces
    assert rest == "", "A response ends between two messages"


class StalledPeer:
    """A peer that opens a stream and never reads a byte of it after the head."""

    def __init__(self, transport: str, port: int, uuid: str) -> None:
        self.socket = socket.socket()
        # As small as the system allows, so that the server's side fills up at once.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect((HOST, port))
        self.socket.settimeout(60)
        query = urlencode({"vortexUuid": uuid, "vortexName": "stalled"})
        self.socket.sendall(
            websocket_head(query, port) if transport == "websocket" else http_head(query, port)
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.socket.recv(1)
        status = head.split(b" ", 2)[1]
        assert status == (b"101" if transport == "websocket" else b"200"), head

    def read_to_end(self) -> bytes:
        """Read whatever is left until the server has closed the connection, one way or another."""
        received = b""
        try:
            while data := self.socket.recv(65_536):
                received += data
        except ConnectionResetError:
            return received
        return received

    def close(self) -> None:
        self.socket.close()


def websocket_head(query: str, port: int) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET /vortex?{query} HTTP/1.1\r\nHost: {HOST}:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()


def http_head(query: str, port: int, *, more: str = "") -> bytes:
    return (
        f"POST /vortex?{query} HTTP/1.1\r\nHost: {HOST}:{port}\r\nContent-Length: 0\r\n{more}\r\n"
    ).encode()


def decode_envelope(text: str) -> dict[str, Any]:
    """Return an envelope as JSON, from either way it is written."""
    data = text if text.startswith("{") else base64.b64decode(text)
    envelope: dict[str, Any] = json.loads(data)
    return envelope


def decode_tuples(envelope: dict[str, Any]) -> list[Any]:
    """Return the tuples of an envelope's payload as JSON."""
    payload = json.loads(zlib.decompress(base64.b64decode(envelope["data"])))
    return [one["_fd"] if is_integer(one) else one for one in payload["tuples"]]


def is_integer(value: Any) -> bool:
    return isinstance(value, dict) and value.get("_ft") == "int"


def log_in(server: ServerProcess, username: str) -> str:
    """Log a user in and give the cookie that says so."""
    connection = http.client.HTTPConnection(HOST, server.port, timeout=60)
    connection.request("GET", f"/e2e/login?username={username}")
    response = connection.getresponse()
    response.read()
    connection.close()
    cookies = response.headers.get_all("Set-Cookie", [])
    (session,) = (one for one in cookies if one.startswith("sessionid="))
    return session.partition(";")[0]
