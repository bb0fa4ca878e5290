import sys
import types

import pytest
from django.test import override_settings

from django_vortex.checks import (
    check_application,
    check_channel_layer,
    check_crud_permission,
    check_servers,
    check_settings,
)
from django_vortex.transports.asgi import VortexApplication

CORE = "channels_redis.core.RedisChannelLayer"
MEMORY = "channels.layers.InMemoryChannelLayer"
PUBSUB = "channels_redis.pubsub.RedisPubSubChannelLayer"
REDIS = "redis://127.0.0.1:6379/0"


def layers(backend, **config):
    return {"default": {"BACKEND": backend, "CONFIG": config}}


def ids(messages):
    return [message.id.removeprefix("django_vortex.") for message in messages]


@pytest.fixture
def asgi_module(monkeypatch):
    """A module that can be named in ``ASGI_APPLICATION``."""
    module = types.ModuleType("project_asgi")
    monkeypatch.setitem(sys.modules, "project_asgi", module)
    return module


def test_every_mistake_in_the_setting_is_an_error_with_its_hint():
    with override_settings(VORTEX={"HEARTBEAT_SECNDS": 5, "THREADS": "many"}):
        unknown, wrong = check_settings()
    assert ids([unknown, wrong]) == ["E001", "E001"]
    assert unknown.hint == "Did you mean 'HEARTBEAT_SECONDS'?"
    assert wrong.hint == "The default is 16; leave the key out to have it."


def test_setting_that_is_no_dict_is_an_error_with_its_hint():
    with override_settings(VORTEX=["NAME"]):
        (message,) = check_settings()
    assert ids([message]) == ["E001"]
    assert message.hint == 'Write VORTEX = {"NAME": "mysite"}, or leave it out.'


def test_right_setting_and_none_are_silent():
    with override_settings(VORTEX={"THREADS": 4}):
        assert check_settings() == []
    assert check_settings() == []


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


def test_wrong_vortex_setting_leaves_the_other_checks_alone():
    with override_settings(VORTEX={"THREADS": 0}, CHANNEL_LAYERS=layers(MEMORY)):
        assert check_channel_layer() == []
        assert check_servers() == []


def test_project_without_asgi_application_is_warned_of_wsgi():
    assert ids(check_application()) == ["W006"]


def test_application_that_is_not_ours_is_refused(asgi_module):
    asgi_module.application = lambda scope, receive, send: None
    with override_settings(ASGI_APPLICATION="project_asgi.application"):
        (message,) = check_application()
    assert ids([message]) == ["E007"]
    assert "vortex_application" in message.hint


def test_application_that_cannot_be_imported_says_why():
    with override_settings(ASGI_APPLICATION="project_asgi_nowhere.application"):
        (message,) = check_application()
    assert ids([message]) == ["E007"]
    assert "project_asgi_nowhere" in message.msg
    assert "asgi.application" in message.hint


def test_application_of_ours_is_fine(asgi_module):
    asgi_module.application = VortexApplication(lambda *_: None, None, lambda inner: inner)
    with override_settings(ASGI_APPLICATION="project_asgi.application"):
        assert check_application() == []


def test_runserver_without_asgi_is_told_while_developing():
    with override_settings(DEBUG=True):
        assert ids(check_servers()) == ["W008"]
    assert check_servers() == []


def test_messages_larger_than_the_server_takes_are_told():
    with override_settings(VORTEX={"MAX_MESSAGE_BYTES": 20_000_000}):
        (message,) = check_servers()
    assert ids([message]) == ["W009"]
    assert "uvicorn" in message.msg
    with override_settings(VORTEX={"MAX_MESSAGE_BYTES": 16_777_216}):
        assert check_servers() == []


def test_daphne_takes_less_unless_told(monkeypatch):
    monkeypatch.setattr("django_vortex.checks.apps.is_installed", lambda name: name == "daphne")
    with override_settings(VORTEX={"MAX_MESSAGE_BYTES": 2_000_000}):
        (message,) = check_servers()
        assert ids([message]) == ["W009"]
        assert "2000000" in message.hint
        with override_settings(
            DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE=2_000_000, DAPHNE_WEBSOCKET_MAX_FRAME_SIZE=0
        ):
            assert check_servers() == []
        with override_settings(DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE=2_000_000):
            assert ids(check_servers()) == ["W009"]


@pytest.mark.parametrize(
    "path",
    ["nowhere.Permission", "django_vortex.Nobody", "django_vortex.Payload"],
)
def test_crud_permission_that_is_none_is_told(path):
    with override_settings(VORTEX={"CRUD_PERMISSION": path}):
        (message,) = check_crud_permission()
    assert ids([message]) == ["E010"]
    assert path in message.msg


def test_crud_permission_that_is_one_is_silent():
    assert check_crud_permission() == []
    with override_settings(VORTEX={"CRUD_PERMISSION": "django_vortex.IsStaff"}):
        assert check_crud_permission() == []
    with override_settings(VORTEX={"CRUD_PERMISSION": 5}):
        assert check_crud_permission() == []
