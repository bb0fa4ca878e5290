"""The limits of the installed servers, where their protocol objects keep them."""

from types import SimpleNamespace
from typing import Any

from django_vortex.transports.flow import Flow, get_flow
from django_vortex.transports.incoming import ANSWERED_FACTOR, raise_message_limit
from tests.unit.transports.fake_flow import FakeFlow
from tests.unit.transports.test_flow import (
    HANDSHAKE,
    Probe,
    SomeTransport,
    make_uvicorn_like,
    running_daphne,
    running_uvicorn,
)

SIZE = 10_000_000


def limits_of(flow: Flow) -> list[Any]:
    send: Any = flow.send
    if flow.server == "Daphne":
        (protocol,) = send.args
        return [protocol.maxFramePayloadSize, protocol.maxMessagePayloadSize]
    connection = send.__self__.conn
    name = "max_message_size" if hasattr(connection, "max_message_size") else "max_size"
    return [getattr(connection, name)]


async def test_uvicorn_takes_in_what_is_to_be_answered() -> None:
    probe = Probe()
    with running_uvicorn(probe) as (protocol, _):
        protocol.data_received(HANDSHAKE)
        flow = await probe.find()
        assert limits_of(flow) == [16 * 2**20]
        raise_message_limit(flow, 1000)
        assert limits_of(flow) == [16 * 2**20]  # other WebSockets of the project may have more
        raise_message_limit(flow, SIZE)
        assert limits_of(flow) == [SIZE * ANSWERED_FACTOR]


def test_older_protocols_of_uvicorn_have_their_limit_elsewhere() -> None:
    send = make_uvicorn_like(SomeTransport())
    protocol: Any = send.__self__  # type: ignore[attr-defined]
    protocol.max_size, protocol.buffer = 5, SimpleNamespace(max_length=5)
    protocol.conn = SimpleNamespace(max_size=5)
    raise_message_limit(get_flow(send), SIZE)
    limits = {protocol.max_size, protocol.buffer.max_length, protocol.conn.max_size}
    assert limits == {SIZE * ANSWERED_FACTOR}


async def test_daphne_takes_in_what_is_to_be_answered() -> None:
    probe = Probe()
    with running_daphne(probe) as (channel, _):
        channel.dataReceived(HANDSHAKE)
        flow = await probe.find()
        (protocol,) = flow.send.args  # type: ignore[attr-defined]
        protocol.maxFramePayloadSize, protocol.maxMessagePayloadSize = 2**20, 0
        raise_message_limit(flow, SIZE)
        assert limits_of(flow) == [SIZE * ANSWERED_FACTOR, 0]  # none is none


def test_unknown_server_is_left_alone() -> None:
    raise_message_limit(FakeFlow(), SIZE)
