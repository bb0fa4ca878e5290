"""What may be registered as a value type, and what stands for values of unknown ones."""

from __future__ import annotations

import decimal
from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError
from django_vortex.tuples import Field, Tuple, TupleRegistry, register_value, tuple_type
from django_vortex.tuples.values import BUILT_IN_NAMES, BUILT_IN_TYPES
from django_vortex.wire import field_types
from django_vortex.wire.decoder import CONTAINERS
from django_vortex.wire.encoder import WRITERS


class Money:
    """A value of an application."""


class Rent(Money):
    """A subclass of one."""


class Note(Tuple):
    """A tuple."""

    text: str


@pytest.fixture
def registry() -> TupleRegistry:
    return TupleRegistry()


def register(registry: TupleRegistry, cls: Any, name: Any) -> None:
    register_value(cls, name, str, cls, registry=registry)


def test_subclass_travels_as_its_nearest_base(registry: TupleRegistry) -> None:
    assert registry.values.get_by_class(Rent) is None
    register(registry, Money, "shop.money")
    found = registry.values.get_by_class(Rent)
    assert found is registry.values.get_by_name("shop.money")
    assert found is not None
    register(registry, Rent, "shop.rent")
    assert registry.values.get_by_class(Rent) is registry.values.get_by_name("shop.rent")


@pytest.mark.parametrize("name", sorted(BUILT_IN_NAMES))
def test_names_of_the_protocol_are_taken(registry: TupleRegistry, name: str) -> None:
    with pytest.raises(DefinitionError, match="is one of the protocol; choose a name such as"):
        register(registry, Money, name)
    with pytest.raises(DefinitionError, match="is one of the protocol"):
        Field(name, 1)


def test_names_of_the_protocol_are_those_that_are_read() -> None:
    read = {*field_types.READERS, *CONTAINERS, "datetime", "dict", "null"}
    assert read == BUILT_IN_NAMES


def test_types_of_the_protocol_are_those_that_are_written() -> None:
    scalars = {
        cls for cls in WRITERS if cls.__module__ in ("builtins", "datetime", "decimal", "uuid")
    }
    assert scalars | {object} == BUILT_IN_TYPES


@pytest.mark.parametrize("cls", BUILT_IN_TYPES, ids=lambda cls: cls.__name__)
def test_types_of_the_protocol_are_taken(registry: TupleRegistry, cls: type) -> None:
    with pytest.raises(DefinitionError, match="travels already"):
        register(registry, cls, "shop.value")


@pytest.mark.parametrize("name", ["", None, 5, b"x"])
def test_name_is_a_text(registry: TupleRegistry, name: object) -> None:
    with pytest.raises(DefinitionError, match="Expected the name of a field type"):
        register(registry, Money, name)


def test_what_is_registered_is_a_class(registry: TupleRegistry) -> None:
    with pytest.raises(
        DefinitionError, match=r"Expected a class to register as 'shop.money', got 5"
    ):
        register_value(5, "shop.money", str, str, registry=registry)  # type: ignore[arg-type]


def test_two_classes_cannot_have_one_name(registry: TupleRegistry) -> None:
    register(registry, Money, "shop.money")
    with pytest.raises(DefinitionError, match=r"'shop.money' is taken by Money"):
        register(registry, Note, "shop.money")


def test_a_class_has_one_name(registry: TupleRegistry) -> None:
    register(registry, Money, "shop.money")
    with pytest.raises(DefinitionError, match=r"Money is registered as 'shop.money' already"):
        register(registry, Money, "shop.cash")


def test_a_class_is_a_value_or_a_tuple(registry: TupleRegistry) -> None:
    tuple_type("shop.Note", registry=registry)(Note)
    with pytest.raises(DefinitionError, match="Note is registered as a tuple type already"):
        register(registry, Note, "shop.note")
    other = TupleRegistry()
    register(other, Note, "shop.note")
    with pytest.raises(DefinitionError, match="Note is registered as a value type already"):
        tuple_type("shop.Note", registry=other)(Note)


def test_reloaded_module_registers_its_class_again(registry: TupleRegistry) -> None:
    register(registry, Money, "shop.money")
    again = type("Money", (), {"__module__": Money.__module__})
    register(registry, again, "shop.money")
    found = registry.values.get_by_name("shop.money")
    assert found is not None
    assert found.cls is again
    assert registry.values.get_by_class(Money) is None


def test_field_is_equal_by_type_and_data() -> None:
    assert Field("a", [1]) == Field("a", [1])
    assert Field("a", 1) != Field("b", 1)
    assert Field("a", 1) != Field("a", 2)
    assert {Field("a", "x"), Field("a", "x")} == {Field("a", "x")}
    with pytest.raises(TypeError):
        hash(Field("a", [1]))
    assert repr(Field("a", decimal.Decimal(1))) == "Field(type='a', data=Decimal('1'))"


def test_field_needs_data() -> None:
    with pytest.raises(DefinitionError, match="needs data: None travels as null"):
        Field("a", None)
