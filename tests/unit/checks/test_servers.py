from django.test import override_settings

from django_vortex.checks.servers import check_servers
from tests.support.check_messages import ids


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
    monkeypatch.setattr(
        "django_vortex.checks.servers.apps.is_installed", lambda name: name == "daphne"
    )
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
