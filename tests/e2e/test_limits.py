"""What goes beyond a limit is told once, in words, and the next message is answered as ever."""

import base64
import json
import zlib
from typing import Any

import pytest

from tests.e2e.peers import ReadingPeer, decode_tuples
from tests.interop.wires import HttpWire
from tests.support.fixtures import StartServer
from tests.support.servers import ServerProcess

MESSAGE_BYTES, INFLATED_BYTES, DEPTH, TUPLES = 20_000, 50_000, 16, 50
LIMITS = {
    "MAX_MESSAGE_BYTES": MESSAGE_BYTES,
    "MAX_INFLATED_BYTES": INFLATED_BYTES,
    "MAX_DEPTH": DEPTH,
    "MAX_TUPLES": TUPLES,
}
ECHO = {"key": "e2e.echo"}
NOBODYS = {"key": "vortex.error"}


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def server(request: pytest.FixtureRequest, start_server: StartServer) -> ServerProcess:
    return start_server(request.param, vortex=LIMITS)


def envelope(*tuples: Any, filt: dict[str, Any] = ECHO) -> dict[str, Any]:
    """Return an envelope whose payload says the same in every dialect."""
    payload = {"_ct": "rp", "filt": {}, "tuples": tuples, "date": None}
    data = base64.b64encode(zlib.compress(json.dumps(payload).encode())).decode()
    return {"filt": filt, "data": data}


def nested(levels: int) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = [value]
    return value


CASES = {
    "bytes": (
        {"filt": ECHO, "data": "x" * MESSAGE_BYTES},
        ECHO,
        f"Message exceeds max_message_bytes ({MESSAGE_BYTES})",
    ),
    "bomb": (
        envelope("x" * 5_000_000),  # on the wire it has 6600 bytes
        ECHO,
        f"Payload inflates to more than max_inflated_bytes ({INFLATED_BYTES})",
    ),
    "deep payload": (
        envelope(nested(DEPTH + 1)),
        ECHO,
        f"Message is nested deeper than max_depth ({DEPTH})",
    ),
    "deep filt": (
        {"filt": {**ECHO, "deep": nested(DEPTH + 1)}, "data": None},
        ECHO,
        f"Message is nested deeper than max_depth ({DEPTH})",
    ),
    "tuples": (
        envelope(*range(TUPLES + 1)),
        ECHO,
        f"Payload of {TUPLES + 1} tuples exceeds max_tuples ({TUPLES})",
    ),
}


@pytest.mark.parametrize("transport", ["websocket", "http"])
@pytest.mark.parametrize("case", CASES)
def test_violation_is_one_clear_error_and_the_connection_survives(
    server: ServerProcess, transport: str, case: str
) -> None:
    violation, filt, text = CASES[case]
    peer = ReadingPeer(transport, server.port, f"{transport}-{case}")
    peer.send(violation)
    error = peer.wait_for("e2e.echo", "vortex.error")
    assert (error["filt"], error["result"]["text"], error["data"]) == (filt, text, None)
    later = []
    for number in range(2):
        peer.send(envelope(number, filt={**ECHO, "number": {"_ft": "int", "_fd": number}}))
        later.append(peer.wait_for("e2e.echo", "vortex.error"))
    assert [(one["result"], decode_tuples(one)) for one in later] == [(None, [0]), (None, [1])]
    peer.close()


@pytest.mark.parametrize("transport", ["websocket", "http"])
@pytest.mark.parametrize("kind", ["uvicorn", "daphne"])
@pytest.mark.parametrize("message_bytes", [1_048_576, 6_000_000])
def test_one_setting_says_how_long_a_message_may_be(
    start_server: StartServer, kind: str, transport: str, message_bytes: int
) -> None:
    """The limits of the servers themselves are 1 and 16 MiB."""
    server = start_server(kind, vortex={"MAX_MESSAGE_BYTES": message_bytes})
    peer = ReadingPeer(transport, server.port, f"{transport}-{message_bytes}")
    told = []
    for name, size in (("short", message_bytes * 7 // 10), ("long", message_bytes * 28 // 10)):
        peer.send({"filt": {**ECHO, "name": name}, "data": "x" * size})
        told.append(peer.wait_for("e2e.echo", "vortex.error"))
    assert [one["filt"].get("name") for one in told] == ["short", "long"]
    short, long = (one["result"]["text"] for one in told)
    assert "exceeds" not in short
    assert long == f"Message exceeds max_message_bytes ({message_bytes})"
    peer.send(envelope(1))
    assert decode_tuples(peer.wait_for("e2e.echo")) == [1]
    peer.close()
    server.stop()


@pytest.mark.parametrize("transport", ["websocket", "http"])
def test_message_within_all_limits_is_answered(server: ServerProcess, transport: str) -> None:
    deep = nested(DEPTH - 4)  # within envelope, payload and list of tuples
    tuples = [deep, *["x"] * (TUPLES - 2), "y" * (INFLATED_BYTES - 1000)]
    peer = ReadingPeer(transport, server.port, f"{transport}-within")
    peer.send(envelope(*tuples))
    reply = peer.wait_for("e2e.echo", "vortex.error")
    assert (reply["result"], decode_tuples(reply)) == (None, tuples)
    peer.close()


def test_violation_within_a_body_spares_the_other_messages(server: ServerProcess) -> None:
    peer = ReadingPeer("http", server.port, "body")
    assert isinstance(peer.wire, HttpWire)
    peer.send(envelope(1), CASES["bytes"][0], CASES["deep filt"][0], envelope(2))
    answers = [peer.wait_for("e2e.echo", "vortex.error") for _ in range(4)]
    told = [(one["filt"], one["result"]["text"]) for one in answers if one["result"]]
    assert told == [CASES["bytes"][1:], CASES["deep filt"][1:]]
    assert [decode_tuples(one) for one in answers if one["data"]] == [[1], [2]]
    peer.close()
