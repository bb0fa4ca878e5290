"""Which fields of a model travel."""

from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.crud.fields import check_names, find_names, get_field
from django_vortex.tuples import TupleRegistry
from tests.unit.orm.desk import NOTE, Desk, Note


def test_the_fields_of_a_tuple_type_are_those_of_its_registration(tuples: TupleRegistry):
    tuples.add("my.Note", Note, fields=["id", "text"])
    assert find_names(NOTE.spec, None, tuples) == ("id", "text")
    assert find_names(NOTE.spec, ["secret"], tuples) == ("id", "secret")


def test_a_name_twice_is_one_field(desk: Desk, tuples: TupleRegistry):
    assert find_names(desk.tickets.spec, ["title", "id", "title"], tuples) == ("title", "id")


def test_all_said_aloud_is_every_field_in_the_order_of_the_model(desk: Desk, tuples: TupleRegistry):
    assert find_names(desk.seats.spec, "__all__", tuples) == ("row", "letter", "guest")


def test_nothing_travels_unless_named(desk: Desk, tuples: TupleRegistry):
    with pytest.raises(DefinitionError, match=r"fields=\['id', .*'title'.*fields='__all__'"):
        find_names(desk.tickets.spec, None, tuples)
    assert find_names(desk.tickets.spec, [], tuples) == ("id",)


def test_a_field_is_found_by_its_name(desk: Desk):
    assert get_field(desk.tickets.spec, "title", "ordering").type is str
    with pytest.raises(DefinitionError, match=r"ordering names 'titles'.*'title'"):
        get_field(desk.tickets.spec, "titles", "ordering")


def test_a_name_that_is_like_none_gets_no_advice(desk: Desk):
    check_names(desk.tickets.spec, ["title", "id"], "fields")
    with pytest.raises(DefinitionError, match=r"'zzz', which desk\.Ticket does not have$"):
        check_names(desk.tickets.spec, ["title", "zzz"], "fields")
    with pytest.raises(DefinitionError, match="names 5, which"):
        check_names(desk.tickets.spec, [5], "fields")  # type: ignore[list-item]


@pytest.mark.parametrize("fields", ["*", "all", "id", ["*"], ["__all__"], [5], 5, {"id": 1}])
def test_all_fields_have_one_spelling(desk: Desk, tuples: TupleRegistry, fields: Any):
    with pytest.raises(DefinitionError, match="fields is a list of names"):
        find_names(desk.tickets.spec, fields, tuples)
