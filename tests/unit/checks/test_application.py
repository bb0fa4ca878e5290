import sys
import types

import pytest
from django.test import override_settings

from django_vortex.checks.application import check_application
from django_vortex.transports.asgi import VortexApplication
from tests.support.check_messages import ids


@pytest.fixture
def asgi_module(monkeypatch):
    """A module that can be named in ``ASGI_APPLICATION``."""
    module = types.ModuleType("project_asgi")
    monkeypatch.setitem(sys.modules, "project_asgi", module)
    return module


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
