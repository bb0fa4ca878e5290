import sys
import types

import pytest
from django.test import override_settings

from django_vortex.checks import application
from django_vortex.checks.application import check_application
from django_vortex.transports import startup
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


def test_a_handler_that_keeps_a_server_from_starting_is_told_by_its_own_check(
    monkeypatch, tmp_path
):
    (tmp_path / "asgi_of_a_test.py").write_text(
        "from django_vortex import vortex_application\napplication = vortex_application()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for module in (startup, application):
        monkeypatch.setattr(module, "find_problems", lambda: {VortexApplication: "it has no filt"})
    with override_settings(ASGI_APPLICATION="asgi_of_a_test.application"):
        assert check_application() == []
        monkeypatch.setattr(application, "find_problems", dict)
        (message,) = check_application()
    assert "VortexApplication is not registered: it has no filt" in message.msg
