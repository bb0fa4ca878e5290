"""Who gets an update of a handler, and whose data: with peers of a real server."""

import asyncio
from typing import Any

import pytest

from django_vortex import AsyncModelHandler, IsAuthenticated, ModelHandler, Permission, Request
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permission import Action
from django_vortex.testing import connect
from django_vortex.wire.dialects import Dialect
from tests.unit.orm.crud_bench import User

ANN, BOB, SUE = User(7), User(8), User(9, is_staff=True)
FILT = {"key": "lists"}


class Lists(ModelHandler):
    """A list of each user; nobody in particular has an empty one."""

    filt = FILT

    def build_model(self, request: Request) -> Any:
        return [] if request.user.pk is None else [f"of {request.user.pk}"]


class AsyncLists(AsyncModelHandler):
    filt = FILT

    async def build_model(self, request: Request) -> Any:
        return [] if request.user.pk is None else [f"of {request.user.pk}"]


class Staff(Permission):
    """As `IsStaff`, but by a database."""

    def allows(self, request: Request, action: Action) -> bool:
        return bool(request.user and request.user.is_staff)


class StaffLater(Permission):
    async def allows(self, request: Request, action: Action) -> bool:
        await asyncio.sleep(0)
        return bool(request.user and request.user.is_staff)


async def update(handler: Any, **to: Any) -> int:
    sent = handler.send_model_update(**to)
    if asyncio.iscoroutine(sent):
        return int(await sent)
    return int(await asyncio.wait_for(asyncio.wrap_future(sent), 60))


def taken(peer: Any) -> list[Any]:
    unread = [received.tuples for received in peer.unread]
    peer.unread.clear()
    return unread


@pytest.mark.parametrize("kind", [Lists, AsyncLists])
async def test_a_push_to_somebody_is_built_for_that_somebody(kind: Any) -> None:
    io = PayloadIO()
    handler = kind(payload_io=io)
    async with (
        connect(user=ANN, payload_io=io) as ann,
        connect(user=ANN, payload_io=io) as again,
        connect(user=BOB, payload_io=io) as bob,
        connect(payload_io=io) as nobody,
    ):
        assert await update(handler, to_user=ANN) == 2
        assert [taken(one) for one in (ann, again, bob, nobody)] == [[["of 7"]]] * 2 + [[], []]
        assert await update(handler, to_user=8) == 1
        assert [taken(one) for one in (ann, again, bob, nobody)] == [[], [], [["of 8"]], []]
        assert await update(handler, to_peer=again.uuid) == 1
        assert [taken(one) for one in (ann, again, bob, nobody)] == [[], [["of 7"]], [], []]
        assert await update(handler, to_user="nobody's key") == 0
        assert await update(handler) == 4
        assert [taken(one) for one in (ann, again, bob)] == [[["of 7"]]] * 2 + [[["of 8"]]]
        assert taken(nobody) == [[]]
        await update(handler, to_name="no such name")
        assert taken(ann) == []


@pytest.mark.parametrize(
    "permission", [IsAuthenticated, Staff | IsAuthenticated, StaffLater | IsAuthenticated]
)
@pytest.mark.parametrize("kind", [Lists, AsyncLists])
async def test_who_may_not_read_gets_no_push(kind: Any, permission: Any) -> None:
    io = PayloadIO()

    class Public(kind):  # type: ignore[misc]
        if kind is Lists:

            def build_model(self, request: Request) -> Any:
                return ["the same"]
        else:

            async def build_model(self, request: Request) -> Any:
                return ["the same"]

    for handler in (
        Public(payload_io=io, permission=permission),
        kind({"key": "own"}, payload_io=io, permission=permission),
    ):
        async with connect(user=SUE, payload_io=io) as sue, connect(payload_io=io) as nobody:
            for to in ({}, {"to_name": "testing"}, {"to_peer": nobody.uuid}):
                await update(handler, **to)
            assert len(taken(sue)) == 2
            assert taken(nobody) == []


@pytest.mark.parametrize("permission", [Staff, StaffLater])
async def test_updates_come_in_order_however_long_a_permission_takes(permission: Any) -> None:
    io = PayloadIO()
    counter = iter(range(100))

    class Counter(ModelHandler):
        filt = {"key": "count"}

        def build_model(self, request: Request) -> Any:
            return [next(counter)]

    handler = Counter(payload_io=io, permission=permission)
    async with connect(user=SUE, payload_io=io) as sue:
        sent = [handler.send_model_update() for _ in range(9)]
        for future in sent:
            await asyncio.wait_for(asyncio.wrap_future(future), 60)
        seen = [count for [count] in taken(sue)]
    assert seen == sorted(seen)
    assert seen[-1] == 8


@pytest.mark.parametrize("dialect", Dialect)
async def test_released_clients_get_their_own_as_well(dialect: Dialect) -> None:
    io = PayloadIO()
    handler = Lists(payload_io=io)
    async with connect(user=ANN, payload_io=io, dialect=dialect) as ann:
        assert await update(handler) == await update(handler, to_user=7) == 1
        assert taken(ann) == [["of 7"], ["of 7"]]


async def test_updates_do_not_count_as_what_the_peer_asks_for() -> None:
    io = PayloadIO()
    handler = Lists(payload_io=io, throttle="2/h")
    async with connect(user=ANN, payload_io=io) as ann:
        for _ in range(5):
            assert await update(handler, to_user=ANN) == 1
        assert (await ann.request(FILT)).tuples == ["of 7"]


def test_plain_tests_have_an_update_when_it_was_sent() -> None:
    io = PayloadIO()
    handler = Lists(payload_io=io)
    with connect(user=ANN, payload_io=io) as ann, connect(payload_io=io) as nobody:
        handler.send_model_update(to_user=ANN)
        assert taken(ann) == [["of 7"]]
        handler.send_model_update()
        assert (taken(ann), taken(nobody)) == ([["of 7"]], [[]])


async def test_a_peer_gets_its_update_as_who_it_is_when_it_is_built() -> None:
    io = PayloadIO()
    handler = Lists(payload_io=io, permission=Staff)
    async with connect(user=ANN, payload_io=io) as ann:
        assert await update(handler, to_user=ANN) == 0
        assert taken(ann) == []
