from django.test import override_settings

from django_vortex.checks.servers import check_servers
from tests.support.check_messages import ids


def test_runserver_without_asgi_is_told_while_developing():
    with override_settings(DEBUG=True):
        assert ids(check_servers()) == ["W008"]
    assert check_servers() == []


def test_one_setting_says_how_long_a_message_may_be():
    with override_settings(VORTEX={"MAX_MESSAGE_BYTES": 100_000_000}):
        assert check_servers() == []


def test_limits_of_daphne_that_do_not_hold_for_a_vortex_are_told(monkeypatch):
    monkeypatch.setattr(
        "django_vortex.checks.servers.apps.is_installed", lambda name: name == "daphne"
    )
    with override_settings(VORTEX={"MAX_MESSAGE_BYTES": 2_000_000}):
        assert check_servers() == []
        with override_settings(
            DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE=2_000_000, DAPHNE_WEBSOCKET_MAX_FRAME_SIZE=0
        ):
            assert check_servers() == []
        with override_settings(
            DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE=1_999_999, DAPHNE_WEBSOCKET_MAX_FRAME_SIZE=1
        ):
            message, frame = check_servers()
    assert ids([message, frame]) == ["W009", "W009"]
    assert "DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE is 1999999" in message.msg
    assert "2000000" in message.hint
    assert "DAPHNE_WEBSOCKET_MAX_FRAME_SIZE" in frame.msg
