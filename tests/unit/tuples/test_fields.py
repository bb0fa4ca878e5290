"""Declaring fields and resolving their types."""

from __future__ import annotations

import datetime as dt
import enum
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from django_vortex.exceptions import DefinitionError
from django_vortex.tuples import Tuple, TupleField, TupleRegistry
from django_vortex.tuples.fields import collect_definitions, resolve_types

if TYPE_CHECKING:
    from nowhere import Missing  # type: ignore[import-not-found]


def types_of(cls: type) -> dict[str, object]:
    return {field.name: field.type for field in TupleRegistry().add("x", cls).fields}


class Event(Tuple):
    class Kind(enum.Enum):
        A = 1

    date: dt.date
    kind: Kind | None
    missing: Missing
    items: list[int]
    explicit: str = TupleField(int)
    untyped = TupleField()


def test_annotations_are_resolved_when_the_fields_are_first_asked_for() -> None:
    assert types_of(Event) == {
        "date": dt.date,
        "kind": Event.Kind | None,
        "missing": None,
        "items": list[int],
        "explicit": int,
        "untyped": None,
    }


def test_field_may_be_called_like_its_type() -> None:
    body = {"date": TupleField(), "__annotations__": {"date": "date"}, "__module__": __name__}
    assert resolve_types(type("Day", (Tuple,), body)) == {"date": date}


def test_default_and_factory_exclude_each_other() -> None:
    with pytest.raises(DefinitionError, match="not both"):
        TupleField(default=1, default_factory=list)


@pytest.mark.parametrize("default", [[], {}, set(), bytearray()])
def test_mutable_default_is_refused(default: Any) -> None:
    with pytest.raises(
        DefinitionError, match=r"Bad.field has the mutable default .*; use default_f"
    ):
        type("Bad", (Tuple,), {"field": TupleField(default=default), "__qualname__": "Bad"})
    with pytest.raises(DefinitionError, match="mutable default"):
        type("Bad", (Tuple,), {"field": default, "__annotations__": {"field": list}})


def test_name_with_underscore_cannot_be_declared_a_field() -> None:
    with pytest.raises(DefinitionError, match="begins with an underscore and cannot travel"):
        type("Bad", (Tuple,), {"_x": TupleField()})


def test_only_what_the_body_declares_itself_is_collected() -> None:
    class Child(Event):
        more: int

    assert list(collect_definitions(Child)) == ["more"]
