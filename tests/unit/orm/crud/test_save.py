"""Saving: what is written, what is not, and what is told."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission

from django_vortex.exceptions import HandlerError
from django_vortex.orm.crud.extension import Change, CrudExtension
from django_vortex.orm.crud.model import CrudModel
from django_vortex.routing import permissions
from django_vortex.wire.dialects import Dialect
from tests.support.told import text_of
from tests.unit.orm.crud_bench import CrudBench, row, ticket
from tests.unit.orm.models import Author, Ticket

pytestmark = pytest.mark.django_db


def test_only_the_fields_of_the_message_change(crud: CrudBench):
    known = ticket(title="a", state="done", points=9, secret="s")
    crud.serve()
    assert crud.say([row(id=known.pk, title="b")]).result is True
    known.refresh_from_db()
    assert (known.title, known.state, known.points, known.secret) == ("b", "done", 9, "s")


def test_only_changed_columns_are_written(crud: CrudBench, django_assert_num_queries: Any):
    known = ticket(title="a")
    crud.serve()
    # Begin, select, unique, the constraint in a savepoint (3), update, select, end.
    with django_assert_num_queries(9) as log:
        crud.say([row(id=known.pk, title="a", points=5)])
    [update] = [one["sql"] for one in log.captured_queries if one["sql"].startswith("UPDATE")]
    assert "points" in update
    assert "changed" in update
    assert "title" not in update


def test_what_is_the_same_is_not_written(crud: CrudBench):
    known = ticket(title="a")
    crud.serve()
    assert crud.say([row(id=known.pk, title="a")]).result is True
    changed = known.changed
    known.refresh_from_db()
    assert known.changed == changed


def test_none_for_a_field_with_a_default_takes_the_default_in_a_new_row(crud: CrudBench):
    crud.serve()
    [made] = crud.rows_of(crud.say([row(title="a", state=None, points=None)]))
    assert (made.state, made.points) == ("open", 3)


def test_all_that_is_wrong_is_told_at_once_and_nothing_is_written(crud: CrudBench):
    crud.serve(read_only_fields=["points"])
    reply = crud.say(
        [
            row(title="fine"),
            row(title="x" * 21, state="lost"),
            row(title="y", points=9),
            row(id=99, title="z"),
            row(title=None),
        ]
    )
    assert crud.errors_of(reply) == [(2, "points"), (3, "id")]
    reply = crud.say([row(title="fine"), row(title="x" * 21, state="lost"), row(title=None)])
    assert crud.errors_of(reply) == [(1, "title"), (1, "state"), (2, "title")]
    assert Ticket.objects.count() == 0


def test_unknown_fields_are_told(crud: CrudBench):
    known = ticket()
    crud.serve()
    reply = crud.say([row(id=known.pk, secret="x", title="b", __class__="y")])
    assert crud.errors_of(reply) == [(0, "__class__"), (0, "secret")]


@pytest.mark.parametrize("other", [None, 5, "x", [], {"a": 1}])
def test_what_is_no_tuple_of_the_type_is_told(crud: CrudBench, other: Any):
    crud.serve()
    assert crud.errors_of(crud.say([row(title="a"), other])) == [(1, "")]
    assert Ticket.objects.count() == 0


def test_a_read_only_field_may_come_back_as_it_was(crud: CrudBench):
    known = ticket()
    crud.serve(fields=["title", "points", "changed"], read_only_fields=["points"])
    sent = {"id": known.pk, "title": "b", "points": 3, "changed": known.changed}
    assert crud.say([row(**sent)]).result is True
    cut = known.changed.replace(microsecond=known.changed.microsecond // 1000 * 1000)
    known.refresh_from_db()
    if cut != known.changed:
        ours = crud.say([row(id=known.pk, changed=cut)])
        assert crud.errors_of(ours) == [(0, "changed")]
    theirs = crud.say([row(id=known.pk, changed=known.changed)], dialect=Dialect.D1)
    assert theirs.result is True


def test_too_many_tuples_are_refused_before_the_database_is_asked(
    crud: CrudBench, django_assert_num_queries: Any
):
    crud.serve(max_tuples=2)
    with django_assert_num_queries(3):  # of the savepoint
        reply = crud.say([row(title=str(n)) for n in range(3)])
    assert "3 tuples" in reply.result["text"]


def test_client_keys_are_used_only_where_allowed(crud: CrudBench):
    crud.serve()
    assert crud.errors_of(crud.say([row(id=41, title="a")])) == [(0, "id")]
    crud.handler.endpoint.close()
    crud.serve(client_keys=True)
    assert [one.id for one in crud.rows_of(crud.say([row(id=41, title="a")]))] == [41]
    assert [one.title for one in crud.rows_of(crud.say([row(id=41, title="b")]))] == ["b"]
    assert Ticket.objects.count() == 1


def test_the_second_of_two_stale_saves_gets_the_current_row(crud: CrudBench):
    known = ticket(title="a")
    crud.serve(version_field="version")
    first = crud.say([row(id=known.pk, title="b", version=1)])
    assert [one.version for one in crud.rows_of(first)] == [2]
    second = crud.say([row(id=known.pk, title="c", version=1)])
    assert second.result["error"] == "conflict"
    assert [(one.title, one.version) for one in crud.tuples_of(second)] == [("b", 2)]
    missing = crud.say([row(id=known.pk, title="c")])
    assert crud.errors_of(missing) == [(0, "version")]


def test_a_change_between_reading_and_writing_is_a_conflict(crud: CrudBench):
    known = ticket(title="a")

    class Meanwhile(CrudExtension):
        def before_update(self, context: Any, change: Change) -> None:
            Ticket.objects.filter(pk=known.pk).update(version=5, title="other")

    crud.serve(version_field="version", extensions=[Meanwhile])
    reply = crud.say([row(id=known.pk, title="b", version=1)])
    assert reply.result["error"] == "conflict"
    assert [one.title for one in crud.tuples_of(reply)] == ["other"]


def test_several_types_are_saved_together_or_not_at_all(crud: CrudBench):
    crud.serve(Ticket, CrudModel(model=Author, fields=["name"]))
    author = row("vortex_tests.Author", name="Ann")
    reply = crud.say([row(title="a"), author, row(title="b")])
    assert [type(one).__name__ for one in crud.rows_of(reply)] == ["Ticket", "Author", "Ticket"]
    assert crud.errors_of(crud.say([author, row(title="forbidden")])) == [(1, "title")]
    assert (Author.objects.count(), Ticket.objects.count()) == (1, 2)


def test_many_to_many_travels_as_keys(crud: CrudBench):
    one, two = Permission.objects.values_list("pk", flat=True)[:2]
    crud.serve(Group, fields=["name", "permissions"])
    name = "auth.Group"
    [made] = crud.rows_of(crud.say([row(name, name="a", permissions=[one])]))
    assert made.permissions == [one]
    [made] = crud.rows_of(crud.say([row(name, id=made.id, permissions=[two, one])]))
    assert sorted(made.permissions) == sorted([one, two])
    [made] = crud.rows_of(crud.say([row(name, id=made.id, name="b")]))
    assert sorted(made.permissions) == sorted([one, two])
    wrong = crud.say([row(name, id=made.id, permissions=[0])])
    assert crud.errors_of(wrong) == [(0, "permissions")]
    wrong = crud.say([row(name, id=made.id, permissions=None)])
    assert crud.errors_of(wrong) == [(0, "permissions")]


def test_ten_thousand_keys_are_looked_for_and_one_more_is_refused(crud: CrudBench):
    group = Group.objects.create(name="a")
    crud.serve(Group, fields=["permissions"])
    for count in (10_000, 10_001):
        keys = list(range(10**6, 10**6 + count))
        reply = crud.say([row("auth.Group", id=group.pk, permissions=keys)])
        assert crud.errors_of(reply) == [(0, "permissions")]
        assert len(str(reply.result)) < 500
        assert ("10001 rows are more" in reply.result["text"]) is (count == 10_001)
    assert not group.permissions.exists()


class FirstOnly(permissions.Permission):
    """Only the first permission of Django may be retrieved."""

    def scope(self, request: Any, action: Any) -> Any:
        return {"id": Permission.objects.order_by("pk").values_list("pk", flat=True)[0]}


def test_a_list_of_keys_takes_rows_that_the_peer_sees(crud: CrudBench):
    one, two, three = Permission.objects.order_by("pk").values_list("pk", flat=True)[:3]
    group = Group.objects.create(name="a")
    group.permissions.add(two)
    crud.serve(Group, fields=["permissions"], references={"permissions": FirstOnly})
    for wrong in (three, 10**6):
        reply = crud.say([row("auth.Group", id=group.pk, permissions=[one, wrong])])
        assert reply.result["text"].endswith(f"'permissions': There is no row {wrong}")
        new = crud.say([row("auth.Group", permissions=[wrong])])
        assert new.result["text"].endswith(f"'permissions': There is no row {wrong}")
    sent = row("auth.Group", id=group.pk, permissions=[two, one])
    assert crud.say([sent]).result is True, "what it had already may stay"
    assert set(group.permissions.values_list("pk", flat=True)) == {one, two}


def test_related_rows_travel_inside_and_are_read_only(
    crud: CrudBench, django_assert_num_queries: Any
):
    ann = Author.objects.create(name="Ann")
    for number in range(5):
        ticket(title=str(number), author=ann)
    crud.serve(fields=["title", "author_id"], nested={"author": ["name"]}, retrieve_all=True)
    with django_assert_num_queries(4):  # savepoint, tickets, authors, release
        found = crud.rows_of(crud.say())
    assert [one.author.name for one in found] == ["Ann"] * 5
    nested = row("vortex_tests.Author", id=ann.pk, name="Ann")
    sent = {"id": found[0].id, "title": "x"}
    assert crud.say([row(**sent, author=nested)]).result is True
    nested = row("vortex_tests.Author", id=ann.pk, name="Eve")
    assert crud.errors_of(crud.say([row(**sent, author=nested)])) == [(0, "author")]


def test_a_row_cannot_leave_the_scope_of_who_saves_it(crud: CrudBench):
    mine = ticket(owner_id=1)
    crud.serve(
        fields=["title", "owner_id"],
        get_queryset=lambda request: Ticket.objects.filter(owner_id=1),
    )
    assert (
        text_of(crud.say([row(id=mine.pk, owner_id=2)]).result)
        == "A row would leave what you may see"
    )
    assert (
        text_of(crud.say([row(title="x", owner_id=2)]).result)
        == "A row would leave what you may see"
    )
    assert list(Ticket.objects.values_list("owner_id", flat=True)) == [1]


def test_a_row_is_asked_for_as_it_is_going_to_be(crud: CrudBench):
    class NoX(permissions.Permission):
        def allows_object(self, request: Any, action: Any, row: Any) -> bool:
            return row.title != "x"

    known = ticket()
    crud.serve(permission=NoX)
    assert (
        text_of(crud.say([row(id=known.pk, title="x")]).result) == "You may not update such a row"
    )
    assert text_of(crud.say([row(title="x")]).result) == "You may not create such a row"
    assert Ticket.objects.get().title == "a"


def test_extensions_see_and_change_what_is_written(crud: CrudBench):
    seen: list[Any] = []

    class Owning(CrudExtension):
        def before_create(self, context: Any, change: Change) -> None:
            change.values["owner_id"] = 5

        async def after_create(self, context: Any, made: Any) -> None:
            seen.append(("after", made.pk is not None, made.owner_id))

        def after_create_commit(self, context: Any, made: Any) -> None:
            seen.append(("commit", context.rows))

    crud.serve(extensions=[Owning()])
    crud.say([row(title="a")])
    assert seen == [("after", True, 5), ("commit", None)]
    assert Ticket.objects.get().owner_id == 5


def test_an_extension_that_refuses_undoes_all(crud: CrudBench):
    class Refusing(CrudExtension):
        def after_create(self, context: Any, made: Any) -> None:
            if made.title == "c":
                raise HandlerError("No c")

    crud.serve(extensions=[Refusing])
    assert text_of(crud.say([row(title="a"), row(title="b"), row(title="c")]).result) == "No c"
    assert Ticket.objects.count() == 0


def test_a_model_that_is_a_tuple_type_travels_as_that(crud: CrudBench, tuples: Any):
    tuples.add("my.Ticket", Ticket, fields=["id", "title"])
    crud.serve(fields=None)
    [made] = crud.rows_of(crud.say([row("my.Ticket", title="a")]))
    assert (type(made), made.title, made.secret) == (Ticket, "a", "")
    known = Ticket.objects.get()
    Ticket.objects.update(points=8)
    crud.say([row("my.Ticket", id=known.pk, title="b")])
    known.refresh_from_db()
    assert (known.title, known.points) == ("b", 8)
    assert crud.errors_of(crud.say([row("my.Ticket", title="c", secret="x")])) == [(0, "secret")]
