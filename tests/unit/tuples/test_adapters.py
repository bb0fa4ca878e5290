"""Reading and rebuilding tuples and dataclasses."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from django_vortex.tuples import Construction, FieldSpec, Tuple, TupleField, TupleRegistry
from django_vortex.tuples.adapters import is_assigned_plainly


def add(cls: type, **choice: Any) -> tuple[tuple[FieldSpec, ...], Construction]:
    found = TupleRegistry().add("test.Class", cls, **choice)
    return found.fields, found.get_construction()


class Person(Tuple):
    name: str
    tags: list[str] = TupleField(default_factory=list)
    extra = TupleField(raw=True)

    def __init__(self, **values: Any) -> None:
        raise AssertionError("not with the data of a peer")


@dataclasses.dataclass
class Point:
    x: int
    y: int = 5
    tags: list[str] = dataclasses.field(default_factory=list)
    _hidden: int = 0

    def __post_init__(self) -> None:
        raise AssertionError("not with the data of a peer")


@dataclasses.dataclass(frozen=True, slots=True)
class FrozenPoint:
    x: int
    y: int = 5


def test_fields_of_a_tuple() -> None:
    fields, _ = add(Person)
    assert fields == (
        FieldSpec("name", str),
        FieldSpec("tags", list[str]),
        FieldSpec("extra", None, raw=True),
    )


def test_tuple_is_rebuilt_past_its_init_with_its_defaults() -> None:
    _, construction = add(Person)
    built: Any = construction.build({"name": "Ann"})
    assert vars(built) == {"name": "Ann", "tags": [], "extra": None}
    assert construction.is_plain


def test_fields_of_a_dataclass_are_those_that_can_travel() -> None:
    fields, _ = add(Point)
    assert [field.name for field in fields] == ["x", "y", "tags"]


def test_dataclass_is_rebuilt_past_its_init_with_its_defaults() -> None:
    _, construction = add(Point)
    built: Any = construction.build({"y": 7})
    assert vars(built) == {"x": None, "y": 7, "tags": [], "_hidden": 0}
    assert not construction.is_plain  # the hidden field would be missing


def test_frozen_and_slotted_dataclass_is_rebuilt() -> None:
    _, construction = add(FrozenPoint)
    assert construction.build({"x": 1}) == FrozenPoint(1, 5)
    assert not construction.is_plain


@pytest.mark.parametrize("choice", [{"fields": ["name"]}, {"exclude": ["extra"]}])
def test_fields_that_do_not_travel_keep_their_defaults(choice: Any) -> None:
    _, construction = add(Person, **choice)
    assert not construction.is_plain
    assert construction.build({"name": "Ann"}).extra is None  # type: ignore[attr-defined]


def test_classes_with_code_of_their_own_are_not_built_plainly() -> None:
    class Watching(Tuple):
        x: int

        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, -1)

    class WithProperty(Tuple):
        x: int

    assert not is_assigned_plainly(Watching)
    assert is_assigned_plainly(WithProperty)
    assert add(Watching)[1].build({"x": 1}).x == -1  # type: ignore[attr-defined]
