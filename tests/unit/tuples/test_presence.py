"""Which fields a message carried."""

from __future__ import annotations

import dataclasses

import pytest

from django_vortex.exceptions import DefinitionError
from django_vortex.tuples import (
    Tuple,
    TupleRegistry,
    mark_present_fields,
    mark_unknown_fields,
    present_fields,
    tuple_type,
    unknown_fields,
)

registry = TupleRegistry()


@tuple_type("test.Person", registry=registry)
class Person(Tuple):
    name: str
    age: int


@tuple_type("test.Point", registry=registry)
@dataclasses.dataclass(slots=True)
class Point:
    x: int = 0


def test_instance_that_was_made_here_has_all_its_fields() -> None:
    assert present_fields(Person(), registry=registry) == {"name", "age"}


def test_marked_instance_has_those_of_its_message() -> None:
    person = Person()
    mark_present_fields(person, frozenset({"age"}))
    assert present_fields(person, registry=registry) == {"age"}
    assert person == Person()
    assert repr(person) == repr(Person())


def test_instance_without_room_for_a_mark_counts_as_complete() -> None:
    point = Point()
    mark_present_fields(point, frozenset())
    assert present_fields(point, registry=registry) == {"x"}


def test_what_is_no_tuple_has_no_fields() -> None:
    with pytest.raises(DefinitionError, match="int is no registered tuple type"):
        present_fields(5, registry=registry)


def test_unknown_fields_are_those_that_were_marked() -> None:
    person = Person(name="Ann")
    assert unknown_fields(person) == frozenset()
    mark_unknown_fields(person, frozenset({"nmae"}))
    assert unknown_fields(person) == frozenset({"nmae"})
    point = Point()
    mark_unknown_fields(point, frozenset({"z"}))
    assert unknown_fields(point) == frozenset()
