import pytest
from django.test import override_settings

from django_vortex.checks.channel_layer import check_channel_layer
from tests.support.check_messages import ids

CORE = "channels_redis.core.RedisChannelLayer"
MEMORY = "channels.layers.InMemoryChannelLayer"
PUBSUB = "channels_redis.pubsub.RedisPubSubChannelLayer"
REDIS = "redis://127.0.0.1:6379/0"


def layers(backend, **config):
    return {"default": {"BACKEND": backend, "CONFIG": config}}


def test_no_layer_configured_is_one_process_and_no_mistake():
    assert check_channel_layer() == []


def test_layer_that_is_not_configured_is_told_with_those_that_are():
    with override_settings(VORTEX={"CHANNEL_LAYER": "live"}, CHANNEL_LAYERS=layers(MEMORY)):
        (message,) = check_channel_layer()
    assert ids([message]) == ["E002"]
    assert "'live'" in message.msg
    assert "'default'" in message.hint


def test_layer_that_is_switched_off_is_not_looked_at():
    with override_settings(VORTEX={"CHANNEL_LAYER": None}, CHANNEL_LAYERS=layers(MEMORY)):
        assert check_channel_layer() == []


def test_layer_whose_package_is_missing_says_so():
    with override_settings(CHANNEL_LAYERS=layers("nowhere.Layer")):
        (message,) = check_channel_layer()
    assert ids([message]) == ["E002"]
    assert "nowhere.Layer" in message.msg


def test_layer_with_an_unknown_option_says_so():
    with override_settings(CHANNEL_LAYERS=layers(MEMORY, capasity=5)):
        (message,) = check_channel_layer()
    assert ids([message]) == ["E002"]
    assert "capasity" in message.msg
    assert message.hint == "Its CONFIG has 'capasity'. Did you mean 'capacity'?"


def test_options_beside_the_config_are_no_options():
    configured = {"default": {"BACKEND": MEMORY, "CONFG": {"capacity": 5}}}
    with override_settings(CHANNEL_LAYERS=configured):
        (message,) = check_channel_layer()
    assert ids([message]) == ["E002"]
    assert "'CONFG', which Channels ignores. Did you mean 'CONFIG'?" in message.msg


def test_options_that_the_pubsub_layer_ignores_are_told():
    with override_settings(CHANNEL_LAYERS=layers(PUBSUB, host=[REDIS], capacity=100)):
        (message,) = check_channel_layer()
    assert ids([message]) == ["W011"]
    assert message.msg.endswith("ignores 'host' in its CONFIG. Did you mean 'hosts'?")


def test_core_layer_with_its_default_capacity_is_refused():
    with override_settings(CHANNEL_LAYERS=layers(CORE, hosts=[REDIS])):
        (message,) = check_channel_layer()
    assert ids([message]) == ["E003"]
    assert '"capacity": 10000' in message.hint


@pytest.mark.parametrize(
    "host", [f"{REDIS}?socket_timeout=1", {"address": REDIS, "socket_timeout": 2}]
)
def test_core_layer_whose_reads_are_cut_off_is_refused(host):
    with override_settings(CHANNEL_LAYERS=layers(CORE, hosts=[host], capacity=10_000)):
        (message,) = check_channel_layer()
    assert ids([message]) == ["E004"]
    assert "socket_timeout=30" in message.hint


@pytest.mark.parametrize(
    "host", [REDIS, f"{REDIS}?socket_timeout=30", {"address": REDIS, "socket_timeout": None}]
)
def test_core_layer_with_room_and_patience_is_fine(host):
    with override_settings(CHANNEL_LAYERS=layers(CORE, hosts=[host], capacity=10_000)):
        assert check_channel_layer() == []


def test_pubsub_layer_is_fine_as_it_is():
    with override_settings(CHANNEL_LAYERS=layers(PUBSUB, hosts=[REDIS])):
        assert check_channel_layer() == []


def test_layer_within_one_process_is_a_warning():
    with override_settings(CHANNEL_LAYERS=layers(MEMORY)):
        assert ids(check_channel_layer()) == ["W005"]
