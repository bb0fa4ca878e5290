"""The decision table, pushes and what must not be defined."""

from concurrent.futures import Future
from typing import Any

import pytest
from django.db import transaction

from django_vortex.exceptions import DefinitionError, ValidationError
from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permission import Action, Permission
from django_vortex.routing.permissions import AllowAny, IsAuthenticated, ModelPermissions
from django_vortex.routing.replies import MAX_TUPLES_ON_LOOP
from django_vortex.routing.request import Request
from tests.unit.orm.crud_bench import FILT, CrudBench, User, row, ticket
from tests.unit.orm.models import Author, Ticket

pytestmark = pytest.mark.django_db


def test_a_message_without_anything_gets_a_default_tuple(crud: CrudBench):
    crud.serve()
    reply = crud.say()
    [made] = crud.rows_of(reply)
    assert (reply.result, made.id, made.title, made.state, made.points) == (
        None,
        None,
        "",
        "open",
        3,
    )
    assert Ticket.objects.count() == 0


def test_retrieve_all_gives_all_rows_instead(crud: CrudBench):
    ticket(title="a")
    ticket(title="b")
    crud.serve(retrieve_all=True)
    assert [one.title for one in crud.rows_of(crud.say())] == ["a", "b"]


@pytest.mark.parametrize("as_text", [False, True])
def test_an_id_gets_its_row_or_nothing(crud: CrudBench, as_text: bool):
    known = ticket(title="a")
    crud.serve(retrieve_all=True)
    kind = str if as_text else int
    assert [one.title for one in crud.rows_of(crud.say(id=kind(known.pk)))] == ["a"]
    assert crud.rows_of(crud.say(id=kind(known.pk + 1))) == []


def test_tuples_are_saved_and_come_back_in_their_order(crud: CrudBench):
    old = ticket(title="old")
    crud.serve()
    reply = crud.say([row(id=None, title="b"), row(id=old.pk, title="new"), row(id="", title="c")])
    assert reply.result is True
    assert [one.title for one in crud.rows_of(reply)] == ["b", "new", "c"]
    assert None not in [one.id for one in crud.rows_of(reply)]


@pytest.mark.parametrize("delete", [True, 1])
def test_delete_takes_the_rows_of_the_tuples_before_that_of_the_filt(crud: CrudBench, delete: Any):
    a, b = ticket(title="a"), ticket(title="b")
    crud.serve()
    reply = crud.say([row(id=a.pk), row(id=99)], delete=delete, id=b.pk)
    assert (reply.result, crud.rows_of(reply)) == (True, [])
    assert [one.title for one in Ticket.objects.all()] == ["b"]
    assert crud.say(delete=delete, id=b.pk).result is True
    assert Ticket.objects.count() == 0


def test_delete_as_text_is_none(crud: CrudBench):
    known = ticket()
    crud.serve()
    assert crud.say(delete="true", id=known.pk).result is None
    assert Ticket.objects.count() == 1


def test_delete_without_anything_deletes_nothing(crud: CrudBench):
    ticket()
    crud.serve(retrieve_all=True)
    assert crud.say(delete=True).result["error"] == "validation"
    assert crud.say([], delete=True).result["error"] == "validation"
    assert Ticket.objects.count() == 1


def test_delete_answers_with_the_rest_where_all_are_retrieved(crud: CrudBench):
    known = ticket(title="a")
    ticket(title="b")
    crud.serve(retrieve_all=True)
    assert [one.title for one in crud.rows_of(crud.say(delete=True, id=known.pk))] == ["b"]


def test_all_fields_but_no_others_are_shown_when_asked_for(crud: CrudBench):
    crud.serve(fields="__all__")
    [made] = crud.rows_of(crud.say())
    assert {"id", "author_id", "secret"} <= set(type(made).__tuple_fields__)


def test_nothing_is_shown_unless_named(crud: CrudBench):
    with pytest.raises(DefinitionError, match="Name the fields"):
        crud.serve(fields=None)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"fields": ["titel"]}, "Did you mean 'title'"),
        ({"fields": "title"}, "fields is a list of names, or '__all__'"),
        ({"read_only_fields": ["x"]}, "read_only_fields names 'x'"),
        ({"version_field": "title"}, "has to be an integer"),
        ({"nested": {"autor": ["name"]}}, "Did you mean 'author'"),
        ({"nested": {"author": ["nam"]}}, "Did you mean 'name'"),
        ({"nested": ["author"]}, "Name the fields of vortex_tests.Author"),
        ({"filters": ["x"]}, "filters names 'x'"),
        ({"ordering": ["author__name"]}, "ordering names"),
        ({"default_ordering": ["-x"]}, "ordering names 'x'"),
        ({"permission": "IsStaff"}, "Expected a Permission"),
        ({"extensions": [object]}, "Expected a CrudExtension"),
    ],
)
def test_what_is_not_there_is_told_at_definition(
    crud: CrudBench, options: dict[str, Any], text: str
):
    with pytest.raises(DefinitionError, match=text):
        crud.serve(**options)


def test_a_second_model_is_a_crud_model(crud: CrudBench):
    with pytest.raises(DefinitionError, match="Expected a CrudModel"):
        crud.serve(Ticket, Author)


def test_a_row_is_pushed_as_if_it_had_been_asked_for(
    crud: CrudBench, django_capture_on_commit_callbacks: Any
):
    known = ticket(title="a", owner_id=1)
    handler = crud.serve(permission=IsAuthenticated)
    with django_capture_on_commit_callbacks(execute=True):
        future = handler.send_model_update(known.pk, to_name="browser")
    assert isinstance(future, Future)
    assert future.result(0) == 1
    [(envelope, to, coalesce)] = crud.pushes.made
    assert envelope.filt == {**FILT, "id": known.pk}
    assert [one.title for one in crud.tuples_of(envelope)] == ["a"]
    assert (to.name, coalesce) == ("browser", True)


def test_a_row_is_pushed_after_the_commit(crud: CrudBench, django_capture_on_commit_callbacks: Any):
    known = ticket(title="a")
    handler = crud.serve()
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        handler.send_model_update(known.pk)
        Ticket.objects.update(title="b")
        assert crud.pushes.made == []
    [(envelope, _, _)] = crud.pushes.made
    assert [one.title for one in crud.tuples_of(envelope)] == ["b"]


def test_a_push_that_cannot_be_built_is_told_to_its_caller(
    crud: CrudBench, caplog: Any, django_capture_on_commit_callbacks: Any
):
    handler = crud.serve()
    with django_capture_on_commit_callbacks(execute=True):
        future = handler.send_model_update("no id")
    assert isinstance(future.exception(0), ValidationError)
    assert "could not build its update" in caplog.text


def test_hooks_of_a_subclass_are_in_the_transaction(crud: CrudBench):
    class Refusing(OrmCrudHandler):
        def post_process(self, request: Any, payload: Any) -> None:
            payload.tuples = [*payload.tuples, "more"]
            if request.user is None:
                raise ValidationError("Not you")

    handler = Refusing(FILT, Ticket, fields=["title"], payload_io=crud.payload_io)
    assert crud.rows_of(crud.say([row(title="x")], user=User()))[1] == "more"
    assert crud.say(id=1).result["text"] == "Not you"
    assert Ticket.objects.count() == 1
    del handler


def test_messages_are_served_as_often_as_the_handler_says(crud: CrudBench):
    crud.serve(throttle="1/h")
    assert crud.say([row(id=None, title="a")]).result is True
    assert crud.say([row(id=None, title="b")]).result["error"] == "rate"
    assert Ticket.objects.count() == 1


def test_a_large_list_is_encoded_when_it_is_the_turn_of_its_peer(crud: CrudBench) -> None:
    peers: list[str] = []

    async def run_large(peer: str, function: Any, /) -> Any:
        peers.append(peer)
        return function()

    crud.payload_io.bind(run_large=run_large)
    crud.serve(retrieve_all=True)
    numbers = range(MAX_TUPLES_ON_LOOP + 1)
    Ticket.objects.bulk_create(Ticket(title="a", points=number) for number in numbers)
    assert len(crud.rows_of(crud.say(uuid="u5"))) == MAX_TUPLES_ON_LOOP + 1
    assert peers == ["u5"]


def test_answers_are_shared_under_permissions_that_are_known() -> None:
    class Sometimes(Permission):
        """Goes by something that no database says."""

        def allows(self, request: Request, action: Action) -> bool:
            return True

    def may_share(permission: Any, **options: Any) -> bool:
        made = OrmCrudHandler(
            {"key": "test.shared"},
            Ticket,
            fields=["title"],
            permission=permission,
            payload_io=PayloadIO(),
            **options,
        )
        watchable = made.endpoint.watchable
        assert watchable is not None
        assert watchable.may_share is not None
        return watchable.may_share()

    assert may_share(AllowAny)
    assert may_share(ModelPermissions(Ticket))
    assert not may_share(Sometimes)
    assert not may_share(AllowAny, get_queryset=lambda request: Ticket.objects.all())
