"""What travels of a row."""

from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.crud.row_tuples import RowTuple, make_row_tuple_type, registered_fields
from django_vortex.orm.model_spec import ModelField, ModelSpec, Shape
from django_vortex.tuples import TupleRegistry, mark_present_fields, present_fields, unknown_fields
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from tests.support.memory_store import MemoryTable
from tests.unit.orm.desk import NOTE, Desk, Note


def shape(table: MemoryTable, *names: str, **nested: Shape) -> Shape:
    return Shape(table.spec, names, nested)


def cross(instance: Any, registry: TupleRegistry, **changes: Any) -> Any:
    """Send a tuple over the wire, with other members."""
    codec = Codec(registry)
    message = codec.encode_value(instance, Dialect.NATIVE)
    assert isinstance(message, dict)
    message = {name: value for name, value in message.items() if name not in changes}
    message |= {name: value for name, value in changes.items() if value is not ...}
    return codec.decode_value(message, Dialect.NATIVE)


def test_a_row_travels_under_the_label_of_its_model(desk: Desk, tuples: TupleRegistry):
    row_tuple = make_row_tuple_type(shape(desk.tickets, "id", "title"), None, tuples)
    made = row_tuple.make({"id": 1, "title": "a"})
    assert (row_tuple.name, row_tuple.names) == ("desk.Ticket", ("id", "title"))
    assert type(made).__tuple_fields__.keys() == {"id", "title"}
    assert (made.id, made.title) == (1, "a")
    assert type(made) is row_tuple.cls
    assert type(made).__name__ == "Ticket"


def test_a_value_that_is_missing_is_none(desk: Desk, tuples: TupleRegistry):
    row_tuple = make_row_tuple_type(shape(desk.tickets, "id", "title"), None, tuples)
    assert row_tuple.make({"title": "a"}).id is None


def test_another_name_makes_another_type(desk: Desk, tuples: TupleRegistry):
    plain = make_row_tuple_type(shape(desk.tickets, "id"), None, tuples)
    named = make_row_tuple_type(shape(desk.tickets, "id", "title"), "my.Ticket", tuples)
    assert (named.name, named.cls.__name__) == ("my.Ticket", "Ticket")
    assert type(named.make({"id": 1})) is not plain.cls


def test_the_same_shape_is_registered_once(desk: Desk, tuples: TupleRegistry):
    first = make_row_tuple_type(shape(desk.tickets, "id", "title"), None, tuples)
    again = make_row_tuple_type(shape(desk.tickets, "id", "title"), None, tuples)
    assert again.cls is first.cls
    with pytest.raises(DefinitionError, match="has the fields id, title already; give a type_name"):
        make_row_tuple_type(shape(desk.tickets, "id"), None, tuples)


def test_a_name_that_another_model_has_is_told(desk: Desk, tuples: TupleRegistry):
    make_row_tuple_type(shape(desk.tickets, "id"), "my.Row", tuples)
    with pytest.raises(DefinitionError, match=r"'my\.Row' has the rows of another model"):
        make_row_tuple_type(shape(desk.owners, "id"), "my.Row", tuples)


def test_only_what_came_is_read(desk: Desk, tuples: TupleRegistry):
    row_tuple = make_row_tuple_type(shape(desk.tickets, "id", "title", "points"), None, tuples)
    sent = row_tuple.make({"id": 1, "title": "a", "points": 5})
    assert row_tuple.read(sent) == {"id": 1, "title": "a", "points": 5}
    assert row_tuple.read(cross(sent, tuples, points=...)) == {"id": 1, "title": "a"}
    mark_present_fields(sent, frozenset({"points"}))
    assert row_tuple.read(sent) == {"points": 5}


def test_names_that_are_no_fields_are_remembered(desk: Desk, tuples: TupleRegistry):
    row_tuple = make_row_tuple_type(shape(desk.tickets, "id", "title"), None, tuples)
    sent = cross(row_tuple.make({"id": 1}), tuples, points=5)
    assert unknown_fields(sent) == {"points"}
    assert unknown_fields(row_tuple.make({"id": 1})) == frozenset()


def test_fields_that_only_stand_inside_are_not(desk: Desk, tuples: TupleRegistry):
    inner = shape(desk.owners, "id", "name")
    row_tuple = make_row_tuple_type(shape(desk.tickets, "id", owner=inner), None, tuples)
    sent = cross(row_tuple.nested["owner"].make({"id": 1}), tuples, secret="x")
    assert unknown_fields(sent) == frozenset()


def test_related_rows_travel_inside(desk: Desk, tuples: TupleRegistry):
    inner = shape(desk.owners, "id", "name")
    row_tuple = make_row_tuple_type(shape(desk.tickets, "id", owner=inner), None, tuples)
    assert row_tuple.names == ("id", "owner")
    ann = {"id": 7, "name": "Ann"}
    assert row_tuple.make({"id": 1, "owner": ann}).owner == row_tuple.nested["owner"].make(ann)
    assert row_tuple.make({"id": 1, "owner": None}).owner is None
    several = row_tuple.make({"id": 1, "owner": [ann, {"id": 8}]}).owner
    assert [(one.id, one.name) for one in several] == [(7, "Ann"), (8, None)]
    assert row_tuple.make({"id": 1}).owner is None
    assert row_tuple.make({"id": 1, "owner": []}).owner == []


def test_raw_json_travels_as_it_is(desk: Desk, tuples: TupleRegistry):
    row_tuple = make_row_tuple_type(shape(desk.tickets, "id", "extra"), None, tuples)
    odd = {"_ct": "rt", "_c": "x", "1": [None, 5]}
    made = row_tuple.make({"id": 1, "extra": odd})
    assert cross(made, tuples).extra == odd
    for dialect in (Dialect.D1, Dialect.D2, Dialect.NATIVE):
        message: Any = Codec(tuples).encode_value(made, dialect)
        assert message["extra"] == odd


def test_a_module_that_runs_again_makes_its_types_anew(desk: Desk, tuples: TupleRegistry):
    first = make_row_tuple_type(shape(desk.tickets, "id"), None, tuples)
    again = make_row_tuple_type(shape(Desk().tickets, "id", "title"), None, tuples)
    assert type(first.make({"id": 1})) is not again.cls
    assert tuples.get_by_name("desk.Ticket").cls is again.cls


def test_related_rows_may_travel_under_another_name(desk: Desk, tuples: TupleRegistry):
    make_row_tuple_type(shape(desk.owners, "id", "name"), None, tuples)
    inner = Shape(desk.owners.spec, ("id",), type_name="desk.Short")
    row_tuple = make_row_tuple_type(shape(desk.tickets, "id", owner=inner), None, tuples)
    assert row_tuple.nested["owner"].name == "desk.Short"


def test_records_cannot_be_hashed(desk: Desk, tuples: TupleRegistry):
    row_tuple = make_row_tuple_type(shape(desk.tickets, "id"), None, tuples)
    with pytest.raises(TypeError):
        hash(row_tuple.make({"id": 1}))


def test_a_model_that_is_a_tuple_type_travels_as_itself(tuples: TupleRegistry):
    tuples.add("my.Note", Note, fields=["id", "text"])
    assert registered_fields(Note, tuples) == ("id", "text")
    row_tuple = make_row_tuple_type(NOTE, None, tuples)
    assert (row_tuple.name, row_tuple.cls) == ("my.Note", Note)
    assert row_tuple.cls is Note


def test_stored_values_pass_no_validator_of_the_model(tuples: TupleRegistry):
    tuples.add("my.Note", Note, fields=["id", "text"])
    made = make_row_tuple_type(NOTE, None, tuples).make({"id": 1, "text": "as stored"})
    assert (made.id, made.text) == (1, "as stored")


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        (NOTE, "other.Note"),
        (Shape(NOTE.spec, ("id", "text", "secret")), None),
        (Shape(NOTE.spec, ("id",)), None),
    ],
)
def test_with_other_fields_or_another_name_it_travels_as_a_record(
    tuples: TupleRegistry, wanted: Shape, name: str | None
):
    tuples.add("my.Note", Note, fields=["id", "text"])
    row_tuple = make_row_tuple_type(wanted, name, tuples)
    assert issubclass(row_tuple.cls, RowTuple)
    assert row_tuple.name == (name or NOTE.spec.label)
    assert row_tuple.names == wanted.names


def test_a_subclass_of_a_tuple_type_is_none_by_that(tuples: TupleRegistry):
    tuples.add("my.Note", Note, fields=["id", "text"])
    assert registered_fields(type("Sub", (Note,), {}), tuples) is None
    assert registered_fields(Note.__table__, tuples) is None
    assert registered_fields(RowTuple, tuples) is None


ROWS = [(1, "Ann"), (2, None)]


def made_up(*names: str) -> Shape:
    spec = ModelSpec(NOTE, "my.Row", {name: ModelField(name) for name in names}, names[:1])
    return Shape(spec, names)


@pytest.mark.parametrize("names", [("id", "name"), ("id", "class"), ("first column", "2nd")])
def test_rows_of_values_become_the_records_of_their_values_by_name(
    tuples: TupleRegistry, names: tuple[str, ...]
):
    row_tuple = make_row_tuple_type(made_up(*names), None, tuples)
    made = row_tuple.make_all(iter(ROWS))
    assert made == [row_tuple.make(dict(zip(names, row, strict=True))) for row in ROWS]
    assert [vars(one) for one in made] == [dict(zip(names, row, strict=True)) for row in ROWS]
    assert present_fields(made[0], registry=tuples) == set(names)


def test_rows_of_one_value_and_no_rows(tuples: TupleRegistry):
    row_tuple = make_row_tuple_type(made_up("id"), None, tuples)
    assert [one.id for one in row_tuple.make_all([[1], [2]])] == [1, 2]
    assert row_tuple.make_all([]) == []


def test_rows_of_a_model_that_is_a_tuple_type_become_instances(tuples: TupleRegistry):
    tuples.add("my.Note", Note, fields=["text", "id"])
    made: list[Any] = make_row_tuple_type(NOTE, None, tuples).make_all([(1, "as stored")])
    assert [(type(one), one.id, one.text) for one in made] == [(Note, 1, "as stored")]


def test_key_tells_rows_apart_also_where_fields_are_left_out(desk: Desk, tuples: TupleRegistry):
    row_tuple = make_row_tuple_type(shape(desk.tickets, "id", "title"), None, tuples)
    made = row_tuple.make({"id": 1, "title": None})
    for one in (made, row_tuple.leave_out(["title"], made)):
        found = tuples.get_by_class(type(one))
        assert found is not None
        assert list(found.adapter.get_key_names(type(one))) == ["id"]
