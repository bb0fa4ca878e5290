"""Whom a push of a handler is for, asked of each peer."""

import decimal
import logging
from typing import Any

import pytest

from django_vortex.exceptions import PermissionDenied
from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.peer import Peer
from django_vortex.routing.permission import Action, Permission
from django_vortex.routing.permissions import AllowAny, IsAuthenticated, IsStaff
from django_vortex.routing.readers import Readers
from django_vortex.routing.request import Request
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from tests.support.routing import Bench
from tests.unit.orm.crud_bench import User

FILT = {"key": "k"}
ANN, SUE = User(7), User(9, is_staff=True)


class Blocking(Permission):
    def allows(self, request: Request, action: Action) -> bool:
        assert request.is_push
        return request.user is SUE


class Later(Permission):
    async def allows(self, request: Request, action: Action) -> bool:
        return request.user is SUE


class Refusing(Permission):
    may_block = False

    def allows(self, request: Request, action: Action) -> bool:
        raise PermissionDenied("Not today")


class Broken(Permission):
    may_block = False

    def allows(self, request: Request, action: Action) -> bool:
        raise KeyError("mood")


def serve(bench: Bench, permission: Any, filt: Any = FILT) -> PayloadEndpoint:
    return PayloadEndpoint(
        filt, lambda request: [request.user.pk], permission=permission, payload_io=bench.payload_io
    )


@pytest.mark.parametrize(
    ("permission", "user", "now", "later"),
    [
        (AllowAny, None, True, True),
        (IsStaff, ANN, False, False),
        (IsStaff, SUE, True, True),
        (Blocking, ANN, None, False),
        (Blocking, SUE, None, True),
        (Later, ANN, None, False),
        (Later, SUE, None, True),
        (IsStaff | Later, SUE, None, True),
        (Refusing, SUE, False, False),
        (None, None, True, True),
    ],
)
async def test_the_permission_of_the_handler_says_who_may_read(
    bench: Bench, permission: Any, user: Any, now: Any, later: bool
) -> None:
    kept = serve(bench, permission)
    readers, peer = Readers(bench.payload_io), Peer("u", "n", user=user)
    assert readers.may_read_now(FILT, FILT, peer) is now
    assert await readers.may_read(FILT, FILT, peer) is later
    replies = await readers.read(FILT, FILT, Peer("u", "n", user=user or ANN))
    assert bool(replies) is (later or user is None)
    kept.close()


@pytest.mark.parametrize("dialect", [Dialect.D0, Dialect.D1, Dialect.D2])
async def test_what_others_read_is_encoded_off_the_loop(bench: Bench, dialect: Dialect) -> None:
    made: list[bool] = []

    class Watching(Codec):
        def encode_payload(self, *arguments: Any) -> Any:
            made.append(bench.sync.is_running)
            return super().encode_payload(*arguments)

        def encode_json(self, *arguments: Any) -> Any:
            made.append(bench.sync.is_running)
            return super().encode_json(*arguments)

    async def answer(request: Request) -> Any:
        return [decimal.Decimal("1.5")]

    bench.payload_io.bind(codec=Watching())
    kept = PayloadEndpoint(FILT, answer, payload_io=bench.payload_io)
    [reply] = await Readers(bench.payload_io).read(FILT, FILT, Peer("u", "n"), dialect)
    before = len(made)
    assert made[-1] is True
    assert reply.encoded(bench.payload_io.codec, dialect, None) is not None
    assert len(made) == before
    kept.close()


async def test_nobody_may_read_from_what_is_not_there(bench: Bench) -> None:
    kept = serve(bench, AllowAny, {"key": "k", "id": 1})
    readers, peer = Readers(bench.payload_io), Peer("u", "n", user=ANN)
    for filt in (FILT, {"key": "k", "id": 1, "more": 2}):
        assert readers.may_read_now(filt, filt, peer) is False
        assert await readers.may_read(filt, filt, peer) is False
        assert await readers.read(filt, filt, peer) == []
    kept.close()


async def test_all_handlers_of_the_filt_have_to_allow(bench: Bench) -> None:
    kept = [serve(bench, AllowAny), serve(bench, IsAuthenticated), serve(bench, Later)]
    readers = Readers(bench.payload_io)
    assert readers.may_read_now(FILT, FILT, Peer("u", "n")) is False
    assert readers.may_read_now(FILT, FILT, Peer("u", "n", user=ANN)) is None
    assert await readers.may_read(FILT, FILT, Peer("u", "n", user=ANN)) is False
    assert await readers.may_read(FILT, FILT, Peer("u", "n", user=SUE)) is True
    assert kept


async def test_a_permission_that_fails_refuses_and_is_logged(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    kept = serve(bench, Broken)
    readers, peer = Readers(bench.payload_io), Peer("u", "n", user=ANN)
    with caplog.at_level(logging.ERROR):
        assert readers.may_read_now(FILT, FILT, peer) is False
        assert await readers.may_read(FILT, FILT, peer) is False
    assert caplog.text.count("The permission of <PayloadEndpoint {'key': 'k'}") == 2
    kept.close()
