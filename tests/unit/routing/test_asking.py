"""Every endpoint asks its permission, before anything of a message is decoded."""

import logging
from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError, PermissionDenied
from django_vortex.routing.endpoint import PayloadEndpoint, endpoint
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.routing.permission import Action, Permission
from django_vortex.routing.permissions import (
    AllowAny,
    IsAuthenticated,
    IsStaff,
    ModelPermissions,
    ReadOnly,
)
from django_vortex.routing.request import Request
from django_vortex.wire.bodies import EncodedBody
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.reserved import MESSAGE_ID
from tests.support.routing import Bench
from tests.support.told import text_of
from tests.unit.orm.crud_bench import User

REFUSED = "You may not ask for this"
ANN, SUE = User(7), User(9, is_staff=True)


class Own(Permission):
    def scope(self, request: Request, action: Action) -> Any:
        return {"owner_id": request.user.pk}


class Small(Permission):
    def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        return row < 10


class Staff(Permission):
    """As `IsStaff`, but by a database."""

    def allows(self, request: Request, action: Action) -> bool:
        assert action is Action.RETRIEVE
        return request.user is SUE


class LaterStaff(Permission):
    async def allows(self, request: Request, action: Action) -> bool:
        return request.user is SUE


def broken(bench: Bench, user: Any) -> Request:
    """Make a request whose payload cannot be decoded."""
    envelope = PayloadEnvelope.received(
        {"key": "k", MESSAGE_ID: "m"}, EncodedBody(b"!!!!", Dialect.NATIVE)
    )
    return Request(envelope, Peer("u", "n", user=user), codec=bench.codec)


@pytest.mark.parametrize("is_async", [True, False])
@pytest.mark.parametrize("permission", [IsStaff, IsStaff(), Staff, LaterStaff, Staff & LaterStaff])
async def test_who_may_not_ask_is_told_before_anything_is_decoded(
    bench: Bench, permission: Any, is_async: bool
) -> None:
    called = []

    async def answer_later(request: Request) -> Any:
        called.append(request.user)
        return request.tuples

    def answer(request: Request) -> Any:
        called.append(request.user)
        return request.tuples

    handler = answer_later if is_async else answer
    kept = PayloadEndpoint(
        {"key": "k"}, handler, permission=permission, payload_io=bench.payload_io
    )
    for user in (None, ANN):
        [reply] = await bench.payload_io.process(broken(bench, user))
        assert text_of(reply.result) == REFUSED
    assert called == []
    [reply] = await bench.payload_io.process(broken(bench, SUE))
    assert text_of(reply.result) != REFUSED
    assert called == [SUE]
    kept.close()


async def test_each_endpoint_of_a_message_asks_its_own(bench: Bench) -> None:
    @endpoint({"key": "k"}, permission=IsStaff, payload_io=bench.payload_io)
    def count(request: Request) -> Any:
        return [5]

    @endpoint({"key": "k"}, permission=ReadOnly, payload_io=bench.payload_io)
    def greet(request: Request) -> Any:
        return ["hello"]

    refused, greeting = await bench.ask({"key": "k", MESSAGE_ID: "m"})
    assert text_of(refused.result) == REFUSED
    assert bench.tuples_of(greeting) == ["hello"]


async def test_everybody_may_ask_unless_said_otherwise(bench: Bench) -> None:
    @endpoint({"key": "k"}, payload_io=bench.payload_io)
    def greet(request: Request) -> Any:
        return ["hello"]

    assert bench.tuples_of(await bench.ask_one({"key": "k"})) == ["hello"]
    bench.payload_io.bind(get_permission=lambda *, edits_rows: IsAuthenticated())
    assert text_of((await bench.ask_one({"key": "k"})).result) == REFUSED
    bench.payload_io.bind(get_permission=lambda *, edits_rows: Staff())
    assert text_of((await bench.ask_one({"key": "k"})).result) == REFUSED
    assert text_of((await bench.ask_one({"key": "k"})).result) == REFUSED


async def test_a_default_that_tells_rows_apart_lets_nobody_in(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    @endpoint({"key": "k"}, payload_io=bench.payload_io)
    def greet(request: Request) -> Any:
        return ["hello"]

    bench.payload_io.bind(get_permission=lambda *, edits_rows: Own())
    with caplog.at_level(logging.ERROR):
        reply = await bench.ask_one({"key": "k"})
    assert text_of(reply.result) == "The server could not answer (ref abc123)"
    assert "The default permission Own tells rows apart" in caplog.text


async def test_a_permission_may_say_why_it_refuses_and_may_fail(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    class Moody(Permission):
        def allows(self, request: Request, action: Action) -> bool:
            if request.filt.get("id") == 1:
                raise PermissionDenied("Not on Mondays")
            raise KeyError("mood")

    @endpoint({"key": "k"}, permission=Moody, payload_io=bench.payload_io)
    async def greet(request: Request) -> Any:
        return ["hello"]

    assert text_of((await bench.ask_one({"key": "k", "id": 1})).result) == "Not on Mondays"
    with caplog.at_level(logging.ERROR):
        reply = await bench.ask_one({"key": "k"})
    assert text_of(reply.result) == "The server could not answer (ref abc123)"
    assert "KeyError" in caplog.text


async def test_a_permission_of_a_model_is_asked_for_viewing(bench: Bench) -> None:
    viewer = User(3, permissions=frozenset({"board.view_ticket"}))

    @endpoint(
        {"key": "k"}, permission=ModelPermissions(("board", "ticket")), payload_io=bench.payload_io
    )
    async def count(request: Request) -> Any:
        return [5]

    async def ask(user: Any) -> PayloadEnvelope:
        peer = Peer("u", "n", user=user)
        [reply] = await bench.payload_io.process(bench.request({"key": "k"}, peer=peer))
        return reply

    assert text_of((await ask(ANN)).result) == REFUSED
    before = bench.sync.count
    assert (await ask(viewer)).result is None
    assert bench.sync.count > before  # it may ask the database


@pytest.mark.parametrize("permission", [Own, Small, IsStaff & Own, IsStaff | Small, ~Own()])
def test_rows_are_told_apart_only_where_there_are_any(permission: Any) -> None:
    with pytest.raises(DefinitionError, match=r"tells rows apart .* use a RowsHandler"):
        PayloadEndpoint(
            {"key": "k"}, lambda request: None, permission=permission, payload_io=PayloadIO()
        )


@pytest.mark.parametrize("permission", ["IsStaff", [AllowAny], 5, object])
def test_what_is_no_permission_is_refused_at_definition(permission: Any) -> None:
    with pytest.raises(DefinitionError, match="Expected a Permission"):
        endpoint({"key": "k"}, permission=permission, payload_io=PayloadIO())(lambda request: None)
