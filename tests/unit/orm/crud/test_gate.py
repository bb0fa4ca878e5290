"""Nothing of a save is decoded for a peer that may not save."""

from typing import Any

import pytest

from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.orm.crud.model import CrudModel
from django_vortex.routing.peer import Peer
from django_vortex.routing.permission import Action, Permission
from django_vortex.routing.permissions import (
    AllowAny,
    AuthenticatedOrReadOnly,
    IsStaff,
    ModelPermissions,
    ReadOnly,
)
from django_vortex.routing.request import Request
from django_vortex.wire.bodies import EncodedBody
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.inflate import deflate
from django_vortex.wire.json_text import write_json
from django_vortex.wire.reserved import MESSAGE_ID
from tests.support.told import text_of
from tests.unit.orm.crud_bench import FILT, CrudBench, User, row, ticket
from tests.unit.orm.models import Author, Ticket

pytestmark = pytest.mark.django_db

ANN = User(7)


class Blocking(Permission):
    def allows(self, request: Request, action: Action) -> bool:
        return action is Action.RETRIEVE


class Decoded(Exception):
    """A payload was decoded."""


def ask(crud: CrudBench, text: bytes, user: Any = None, **filt: Any) -> PayloadEnvelope:
    """Ask with a payload that must not be decoded."""

    class Request_(Request):
        @property
        def payload(self) -> Any:
            raise Decoded

    whole = {**FILT, MESSAGE_ID: "m", **filt}
    envelope = PayloadEnvelope.received(whole, EncodedBody(text, Dialect.NATIVE))
    request = Request_(envelope, Peer("u", "n", user=user), codec=crud.codec)
    coroutine = crud.payload_io.process(request)
    with pytest.raises(StopIteration) as stopped:
        coroutine.send(None)
    [reply] = stopped.value.value
    return reply


def bomb() -> bytes:
    content = {"_ct": "rp", "filt": {}, "tuples": [[] for _ in range(100_000)]}
    return deflate(write_json(content))


@pytest.mark.parametrize(
    "permission",
    [None, ReadOnly, AuthenticatedOrReadOnly, IsStaff, Blocking, ModelPermissions(("a", "b"))],
)
def test_a_large_save_that_is_refused_is_not_decoded(crud: CrudBench, permission: Any):
    crud.serve(permission=permission)
    assert text_of(ask(crud, bomb()).result) == "You may not create or update here"
    assert text_of(ask(crud, bomb(), delete=True).result) == "You may not delete here"
    assert text_of(ask(crud, bomb(), id=5).result) == "You may not create or update here"


def test_the_permission_of_any_model_opens_the_gate(crud: CrudBench):
    author = CrudModel(Author, fields=["id", "name"], permission=AllowAny)
    crud.serve(Ticket, author, permission=IsStaff)
    assert "ref" in text_of(ask(crud, bomb()).result)  # it was decoded


def test_who_may_save_is_decoded(crud: CrudBench):
    crud.serve(permission=AuthenticatedOrReadOnly)
    assert "ref" in text_of(ask(crud, bomb(), ANN).result)


@pytest.mark.parametrize("text", [b"!!!", deflate(b'{"_ct": "rp", "tuples": [{"_c": "x.Y"}]}')])
def test_what_is_wrong_with_a_save_is_told_to_who_may_save(crud: CrudBench, text: bytes):
    def say(user: Any) -> Any:
        envelope = PayloadEnvelope.received(
            {**FILT, MESSAGE_ID: "m"}, EncodedBody(text, Dialect.NATIVE)
        )
        request = Request(envelope, Peer("u", "n", user=user), codec=crud.codec)
        coroutine = crud.payload_io.process(request)
        with pytest.raises(StopIteration) as stopped:
            coroutine.send(None)
        return text_of(stopped.value.value[0].result)

    crud.serve(permission=AuthenticatedOrReadOnly)
    assert say(None) == "You may not create or update here"
    assert say(ANN) != "You may not create or update here"


@pytest.mark.parametrize("permission", [ReadOnly, Blocking])
def test_an_empty_payload_reads(crud: CrudBench, permission: Any):
    known = ticket(title="a")
    crud.serve(permission=permission, retrieve_all=True)
    for filt in ({}, {"id": known.pk}):
        [found] = crud.rows_of(crud.say([], **filt))
        assert found.title == "a"
    assert text_of(crud.say([row(title="b")]).result) == "You may not create or update here"


def test_a_handler_class_may_have_a_permission(crud: CrudBench):
    class Tickets(OrmCrudHandler):
        permission = IsStaff

    options: dict[str, Any] = {"fields": ["id", "title"], "payload_io": crud.payload_io}
    kept = Tickets(FILT, Ticket, **options)
    assert repr(kept.endpoint.permission) == "IsStaff"
    assert (
        text_of(crud.say([row(title="b")], user=ANN).result) == "You may not create or update here"
    )
    kept.endpoint.close()
    kept = Tickets(FILT, Ticket, permission=AllowAny, **options)
    assert crud.say([row(title="b")], user=ANN).result is True
