from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import override_settings

from django_vortex.checks.capture import check_capture
from tests.support.check_messages import ids


def test_installed_django_has_everything():
    assert check_capture() == []


def test_part_that_is_missing_is_told(monkeypatch):
    monkeypatch.delattr(BaseDatabaseWrapper, "_savepoint_commit")
    [message] = check_capture()
    assert ids([message]) == ["W040"]
    assert "BaseDatabaseWrapper._savepoint_commit" in message.msg
    with override_settings(VORTEX={"LIVE": False}):
        assert check_capture() == []
