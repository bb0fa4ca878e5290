"""What the arguments of `connect` mean before anything is connected."""

import pytest

from django_vortex.client import DefinitionError, connect


@pytest.mark.parametrize(
    ("transports", "vortexpy", "got"),
    [
        ([], False, "[]"),
        ((), False, "[]"),
        ("", False, "['']"),
        ("smoke", False, "['smoke']"),
        (["websocket", "smoke"], False, "['websocket', 'smoke']"),
        (["http"], True, "[]"),
        ("http", True, "[]"),
    ],
)
async def test_transports_that_there_are_not_are_told(transports, vortexpy, got):
    with pytest.raises(DefinitionError) as caught:
        async with connect("ws://example.org/vortex", transports=transports, vortexpy=vortexpy):
            raise AssertionError("connected")
    assert str(caught.value) == f"Expected transports of ['websocket', 'http'], got {got}"


@pytest.mark.parametrize("transports", ["http", ["http"], ("http",), "websocket"])
async def test_one_transport_may_stand_without_a_list(transports):
    async with connect("ws://127.0.0.1:9/vortex", transports=transports, open_timeout=0) as vortex:
        assert not vortex.is_online


async def test_arguments_that_look_right_and_are_not_are_told():
    async with connect("ws://127.0.0.1:9/vortex", open_timeout=0) as vortex:
        for wrong in ({"key": "a"}, "a", None, [1]):
            with pytest.raises(DefinitionError, match="Expected a Payload, got"):
                await vortex.send(wrong)
        for wrong in ("abc", b"abc", {"a": 1}):
            with pytest.raises(DefinitionError, match="Expected a list of tuples, got"):
                await vortex.call("a", tuples=wrong)
