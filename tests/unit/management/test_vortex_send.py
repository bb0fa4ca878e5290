from concurrent.futures import Future
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from django_vortex.exceptions import DeliveryError
from django_vortex.management.commands import vortex_send


class FakeSending:
    """Takes what is sent, and gives a future with the outcome it was told."""

    def __init__(self):
        self.sent = []
        self.outcome = 0

    def send(self, payload, **to):
        self.sent.append((payload, {name: value for name, value in to.items() if value}))
        future = Future()
        if isinstance(self.outcome, BaseException):
            future.set_exception(self.outcome)
        else:
            future.set_result(self.outcome)
        return future


@pytest.fixture
def sending(monkeypatch):
    sending = FakeSending()
    monkeypatch.setattr(vortex_send, "send", sending.send)
    return sending


def call(*arguments):
    out = StringIO()
    call_command("vortex_send", *arguments, stdout=out)
    return out.getvalue()


def test_filt_and_tuples_are_sent_to_everybody(sending):
    assert call('{"key": "board", "floor": 2}', '"Lunch"', "[1, null]") == "Sent.\n"
    ((payload, to),) = sending.sent
    assert payload.filt == {"key": "board", "floor": 2}
    assert list(payload.tuples) == ["Lunch", [1, None]]
    assert to == {}


def test_options_say_whom(sending):
    call('{"key": "a"}', "--to-user", "7", "--to-name", "browser", "--to-peer", "u-1")
    assert sending.sent[0][1] == {"to_user": "7", "to_name": "browser", "to_peer": "u-1"}


@pytest.mark.parametrize("filt", ["key", '["key"]', "{}", '{"key": 5}'])
def test_filt_without_a_key_is_refused(sending, filt):
    with pytest.raises(CommandError, match=r"The filt must be"):
        call(filt)
    assert sending.sent == []


def test_tuple_that_is_no_json_is_refused(sending):
    with pytest.raises(CommandError, match=r"A tuple must be JSON, got 'Lunch'"):
        call('{"key": "a"}', "Lunch")
    assert sending.sent == []


def test_push_that_reaches_nobody_fails_the_command(sending):
    sending.outcome = DeliveryError("No layer")
    with pytest.raises(CommandError, match="No layer"):
        call('{"key": "a"}')


def test_layer_that_takes_nothing_fails_the_command(sending):
    sending.outcome = TimeoutError()
    with pytest.raises(CommandError, match="Not sent within 10 s"):
        call('{"key": "a"}')
