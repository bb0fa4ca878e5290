import pytest
from django.test import override_settings

from django_vortex.checks.channel_layer import check_channel_layer
from django_vortex.checks.servers import check_servers
from django_vortex.checks.settings import check_settings
from tests.support.check_messages import ids

MEMORY = "channels.layers.InMemoryChannelLayer"


def layers(backend, **config):
    return {"default": {"BACKEND": backend, "CONFIG": config}}


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


def test_wrong_vortex_setting_leaves_the_other_checks_alone():
    with override_settings(VORTEX={"THREADS": 0}, CHANNEL_LAYERS=layers(MEMORY)):
        assert check_channel_layer() == []
        assert check_servers() == []


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("VORTX", {}, "Did you mean VORTEX?"),
        ("VOTREX", {"NAME": "a"}, "Did you mean VORTEX?"),
        ("DJANGO_VORTEX", {"NAME": "a"}, "Did you mean VORTEX?"),
        ("VORTEX_SETTINGS", {}, "Did you mean VORTEX?"),
        ("VORTEX_THREADS", 4, 'Write VORTEX = {"THREADS": 4}.'),
    ],
)
def test_settings_that_look_like_ours_are_told(name, value, hint):
    with override_settings(**{name: value}):
        (message,) = check_settings()
    assert ids([message]) == ["W015"]
    assert (name in message.msg, message.hint) == (True, hint)


def test_a_setting_in_small_letters_is_told(monkeypatch):
    monkeypatch.setattr("tests.settings.vortex", {"NAME": "a"}, raising=False)
    (message,) = check_settings()
    assert ids([message]) == ["W015"]


def test_settings_of_others_are_left_alone():
    with override_settings(CORTEX=5, VORTEX_URL="x", VORTEX={"NAME": "a"}, TEXTURES={}):
        assert check_settings() == []
