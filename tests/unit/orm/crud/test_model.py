"""What an application writes of a model, and what is made of it."""

from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.crud.extension import CrudExtension
from django_vortex.orm.crud.model import CrudModel, ModelPlan, make_plans
from django_vortex.routing.permissions import AllowAny, IsStaff, ReadOnly
from django_vortex.tuples import TupleRegistry
from tests.unit.orm.desk import Desk

ALLOW = AllowAny()


class Counting(CrudExtension):
    pass


def plan(
    desk: Desk, model: Any = None, *, extensions: tuple[Any, ...] = (), **options: Any
) -> ModelPlan:
    crud = CrudModel(model=model or desk.tickets, **{"fields": ["title", "points"], **options})
    return make_plans([crud], desk.store, TupleRegistry(), ALLOW, extensions)[0]


def test_the_key_is_always_among_the_fields(desk: Desk):
    assert plan(desk).shape.names == ("id", "title", "points")
    assert plan(desk, fields=["title", "id"]).shape.names == ("title", "id")
    assert plan(desk, desk.seats, fields=["guest", "row"]).shape.names == (
        "letter",
        "guest",
        "row",
    )


def test_a_star_is_every_field(desk: Desk):
    assert plan(desk, fields="__all__").shape.names == tuple(desk.tickets.spec.fields)


def test_what_peers_may_set_is_neither_key_nor_read_only_nor_the_version(desk: Desk):
    made = plan(desk, fields="__all__", read_only_fields=["points"], version_field="version")
    assert made.writable == {"title", "owner_id", "labels", "extra"}
    assert plan(desk).writable == {"title", "points"}


def test_the_version_travels_though_it_is_not_named(desk: Desk):
    assert plan(desk, version_field="version").shape.names == ("id", "title", "points", "version")
    named = plan(desk, fields=["version", "title"], version_field="version")
    assert named.shape.names == ("id", "version", "title")


def test_related_rows_have_the_fields_that_are_named(desk: Desk):
    inner = plan(desk, nested={"owner": ["name"]}).shape.nested["owner"]
    assert (inner.spec.label, inner.names, dict(inner.nested)) == (
        "desk.Owner",
        ("id", "name"),
        {},
    )


def test_a_relation_named_alone_has_the_fields_of_its_tuple_type(desk: Desk):
    with pytest.raises(DefinitionError, match=r"Name the fields of desk\.Owner"):
        plan(desk, nested=["owner"])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"fields": None},
            r"Name the fields of desk\.Ticket .* nothing of a table is shown unless named",
        ),
        (
            {"fields": "title"},
            r"fields is a list of names, or '__all__' for every field; got 'title'",
        ),
        ({"fields": ["titel"]}, r"fields names 'titel', .*Did you mean 'title'\?"),
        ({"fields": ["zzz"]}, r"fields names 'zzz', which desk\.Ticket does not have$"),
        ({"read_only_fields": ["titel"]}, "read_only_fields names 'titel'"),
        ({"version_field": "vision"}, "version_field names 'vision'.*Did you mean 'version'"),
        ({"version_field": "title"}, "desk.Ticket.title has to be an integer"),
        ({"nested": {"owners": ["name"]}}, "nested names 'owners'.*Did you mean 'owner'"),
        ({"nested": {"owner": ["nam"]}}, "which desk.Owner does not have. Did you mean 'name'"),
        ({"extensions": (object,)}, "Expected a CrudExtension"),
        ({"extensions": ["Counting"]}, "Expected a CrudExtension, got 'Counting'"),
        ({"permission": "IsStaff"}, "Expected a Permission"),
    ],
)
def test_what_is_not_there_is_told(desk: Desk, options: dict[str, Any], text: str):
    with pytest.raises(DefinitionError, match=text):
        plan(desk, **options)


def test_a_name_is_either_a_field_or_nested(desk: Desk):
    desk.tickets.spec.relations["points"] = desk.tickets.spec.relations["owner"]
    with pytest.raises(DefinitionError, match=r"desk\.Ticket\.points is named in fields and in"):
        plan(desk, nested={"points": ["name"]})


def test_a_model_that_the_store_does_not_have_is_told(desk: Desk):
    with pytest.raises(DefinitionError, match="is no table of this store"):
        plan(desk, Desk().tickets)


def test_extensions_of_the_handler_come_before_those_of_the_model(desk: Desk):
    mine = Counting()
    crud = CrudModel(model=desk.tickets, fields=["title"], extensions=[mine, Counting])
    made = make_plans([crud], desk.store, TupleRegistry(), ALLOW, [CrudExtension])[0]
    assert [type(one) for one in made.extensions] == [CrudExtension, Counting, Counting]
    assert made.extensions[1] is mine


def test_a_model_has_its_own_permission_or_that_of_the_handler(desk: Desk):
    assert plan(desk).access.permission is ALLOW
    assert isinstance(plan(desk, permission=ReadOnly).access.permission, ReadOnly)
    own = IsStaff()
    assert plan(desk, permission=own).access.permission is own
