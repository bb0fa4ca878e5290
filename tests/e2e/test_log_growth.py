"""Whatever peers do, the log grows by no more than a line for each message, and not without end."""

import base64
import json
import random
import socket
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.peers import ReadingPeer
from tests.support.ports import HOST
from tests.support.servers import ServerProcess

TIMES = 20


def envelope(key: str, *tuples: Any) -> str:
    payload = {"_ct": "rp", "filt": {}, "tuples": tuples, "date": None}
    data = base64.b64encode(zlib.compress(json.dumps(payload).encode())).decode()
    return json.dumps({"_ct": "rpe", "filt": {"key": key}, "data": data})


def saving(key: str) -> str:
    return envelope(key, {"_ct": "rt", "_c": key, "title": "x" * 9000, "state": 5})


class Cut:
    """One connection that sends something and is cut off without a word."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = socket.create_connection((HOST, port), timeout=60)

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> None:
        host = f"{HOST}:{self._port}"
        sent = {"Host": host, "Origin": f"http://{host}", **headers}
        lines = [f"{method} {path} HTTP/1.1", *(f"{key}: {value}" for key, value in sent.items())]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode() + body)

    def shake_hands(self, **headers: str) -> None:
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        path = f"/vortexws?vortexUuid={random.random()}&vortexName=cut"
        self.request("GET", path, **upgrade, **headers)

    def say(self, text: str) -> None:
        data = text.encode()
        head = b"\x81\xfe" + len(data).to_bytes(2, "big") + bytes(4)
        self._socket.sendall(head + data)

    def post(self, body: str, short: int = 0, **headers: str) -> None:
        data = body.encode()
        path = f"/vortex?vortexUuid={random.random()}&vortexName=cut"
        length = {"Content-Length": str(len(data))}
        self.request("POST", path, data[: len(data) - short], **length, **headers)

    def read(self) -> None:
        self._socket.recv(65_536)

    def end(self) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()


def body_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode() + "."


def save_over_websocket(cut: Cut, key: str) -> None:
    cut.shake_hands()
    cut.read()
    cut.say(saving(key))


CASES: dict[str, Callable[[Cut], None]] = {
    "in the handshake": lambda cut: cut.shake_hands(),
    "in the middle of a save": lambda cut: save_over_websocket(cut, "e2e.permitted"),
    "in the middle of an asynchronous one": lambda cut: save_over_websocket(cut, "e2e.sqlalchemy"),
    "in the middle of a save over HTTP": lambda cut: cut.post(body_of(saving("e2e.permitted"))),
    "in the middle of a body": lambda cut: cut.post(body_of(saving("e2e.permitted")), short=30),
    "with what is no message": lambda cut: cut.post("!!!!." * 50),
    "with a foreign host": lambda cut: (cut.post("", Host="evil.example"), cut.read())[0],
    "with a foreign origin": lambda cut: (cut.post("", Origin="http://evil.example"), cut.read())[
        0
    ],
}


@pytest.mark.parametrize("case", CASES)
def test_socket_that_is_cut_leaves_no_traceback(server: ServerProcess, case: str) -> None:
    before = len(server.log)
    for _ in range(TIMES):
        cut = Cut(server.port)
        CASES[case](cut)
        cut.end()
    peer = ReadingPeer("websocket", server.port, f"after {case}")
    peer.send({"filt": {"key": "e2e.echo"}, "data": None})  # which comes after all of that
    peer.wait_for("e2e.echo")
    peer.close()
    written = server.log[before:]
    assert "Traceback" not in written
    assert "never retrieved" not in written
    # One of ours for each, beside those of the server's own: of the access, the opening, the end.
    assert len(written) < TIMES * 700, written[-3000:]


def test_handler_that_always_fails_is_written_about_now_and_then(server: ServerProcess) -> None:
    before = len(server.log)
    peer = ReadingPeer("websocket", server.port, "failing")
    for number in range(200):
        peer.send({"filt": {"key": "e2e.fault", "number": number}, "data": None})
        assert "could not answer (ref " in str(peer.wait_for("e2e.fault")["result"])
    peer.close()
    written = server.log[before:]
    assert 1 <= written.count("Traceback") <= 5
    assert written.count("failed for a peer") <= 60
