"""The carrier over a channel layer: two servers that meet in one layer."""

import pytest
from channels.layers import InMemoryChannelLayer
from django.core.exceptions import ImproperlyConfigured

from django_vortex.server.sequenced_fan_out import SequencedFanOut
from django_vortex.transports.layer import LayerCarrier, get_layer, group_name, make_fan_out
from tests.support.waiting import eventually
from tests.unit.server.fakes import FakeStream, make_server, note, open_peer

SHARED = {"default": {"BACKEND": "tests.unit.transports.fake_layers.SharedLayer"}}
MEMORY = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("django_vortex", "vortex.django_vortex"),
        ("my app/ünïcode", "vortex.my_app__n_code"),
        ("x" * 500, "vortex." + "x" * 80),
    ],
)
def test_group_of_any_name_is_one_that_channels_allows(name, group):
    assert group_name(name) == group
    assert InMemoryChannelLayer().require_valid_group_name(group_name(name))


async def test_two_servers_meet_in_one_layer():
    layer = InMemoryChannelLayer()
    one = make_server(fan_out=SequencedFanOut(LayerCarrier(layer, "x")))
    two = make_server(fan_out=SequencedFanOut(LayerCarrier(layer, "x")))
    other = make_server(fan_out=SequencedFanOut(LayerCarrier(layer, "other name")))
    streams = [FakeStream(), FakeStream(), FakeStream()]
    for server, stream in zip((one, two, other), streams, strict=True):
        await open_peer(server, stream, f"peer of {server.process}")
    for i in range(300):
        one.push(note(i))
    await eventually(lambda: len(streams[1].values()) == 300, "all pushes in the other server")
    assert streams[0].values() == streams[1].values() == list(range(300))
    assert streams[2].values() == []
    for server in (one, two, other):
        await server.stop(1)
    assert not layer.groups


async def test_membership_is_there_again_after_the_layer_forgot_it():
    layer = InMemoryChannelLayer()
    carrier = LayerCarrier(layer, "x")
    await carrier.join()
    await layer.flush()
    await carrier.join()
    await carrier.send({"type": "t"})
    assert await carrier.receive() == {"type": "t"}
    await carrier.leave()


def test_core_layer_reads_no_longer_than_redis_waits():
    class Core(InMemoryChannelLayer):
        brpop_timeout = 5

    layer = Core()
    LayerCarrier(layer, "x")
    assert layer.brpop_timeout == 2


def test_core_layer_that_reads_shorter_is_left_alone():
    class Core(InMemoryChannelLayer):
        brpop_timeout = 1

    layer = Core()
    LayerCarrier(layer, "x")
    assert layer.brpop_timeout == 1


async def test_core_layer_over_several_servers_gets_a_channel_of_its_own_kind():
    class Core(InMemoryChannelLayer):
        ring_size = 2

    layer = Core()
    await LayerCarrier(layer, "x").join()
    (channels,) = layer.groups.values()
    assert all("!" in channel for channel in channels)


def test_layer_that_other_processes_can_not_see_is_none(settings):
    settings.CHANNEL_LAYERS = MEMORY
    assert get_layer("default") is None
    assert make_fan_out("default") is None
    settings.CHANNEL_LAYERS = {}
    assert get_layer("default") is None
    assert get_layer(None) is None


def test_configured_layer_becomes_a_fan_out(settings):
    settings.CHANNEL_LAYERS = SHARED
    assert isinstance(make_fan_out("default"), SequencedFanOut)
    with pytest.raises(ImproperlyConfigured, match=r"'another'.* It has 'default'"):
        make_fan_out("another")
