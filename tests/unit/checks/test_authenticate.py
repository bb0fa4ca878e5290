from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_vortex.checks.authenticate import check_authenticate
from django_vortex.checks.settings import check_settings
from django_vortex.transports.startup import require_sound_settings
from tests.support.check_messages import ids


def test_default_is_silent():
    assert check_authenticate() == []


def test_entries_that_tell_nobody_are_told_each_with_a_hint():
    wrong = ["nowhere.find_user", "django_vortex.session_cookie", "django_vortex.Payload"]
    with override_settings(VORTEX={"AUTHENTICATE": wrong}):
        messages = check_authenticate()
        with pytest.raises(ImproperlyConfigured, match=r"AUTHENTICATE.*nowhere.*dotted path"):
            require_sound_settings()
    assert ids(messages) == ["E031", "E031"]
    assert all(message.hint for message in messages)


@pytest.mark.parametrize("wrong", [[], "django_vortex.session_cookie", [5], ["session_cookie"]])
def test_list_without_functions_is_no_setting(wrong: Any):
    with override_settings(VORTEX={"AUTHENTICATE": wrong}):
        assert check_authenticate() == []
        (message,) = check_settings()
    assert message.id == "django_vortex.E001"
    assert "a list, not empty, of functions or their dotted names" in message.msg
    assert "django_vortex.session_cookie" in str(message.hint)


@pytest.mark.parametrize("wrong", [17, True, "10.0.0.1", ["nginx"], ["10.0.0.0/99"]])
def test_proxies_are_a_number_or_addresses(wrong: Any):
    with override_settings(VORTEX={"TRUSTED_PROXIES": wrong}):
        (message,) = check_settings()
    assert "an integer from 0 to 16, or a list of addresses" in message.msg
