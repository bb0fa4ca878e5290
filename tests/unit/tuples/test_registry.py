"""Which classes travel under which names."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError
from django_vortex.logs import RECORDS_PER_PERIOD
from django_vortex.tuples import (
    Construction,
    FieldSpec,
    Tuple,
    TupleField,
    TupleRegistry,
    TupleSelector,
    tuple_type,
)
from django_vortex.tuples.registry import MAX_REPORTED_NAMES


class Row:
    """The base class of an imaginary ORM."""

    columns: Sequence[str] = ()


class Airport(Row):
    columns = ("id", "name", "_internal")


class MarkedAirport:
    __table__ = "airport"
    columns = ("id",)


class RowAdapter:
    takes_subclasses = True
    needs_fields = True

    def list_names(self, cls: Any) -> Sequence[str]:
        return list(cls.columns)

    def find_fields(self, cls: Any) -> Sequence[FieldSpec]:
        return [FieldSpec(name) for name in cls.columns]

    def get_construction(self, cls: type, fields: Sequence[FieldSpec]) -> Construction:
        def build(values: Mapping[str, object]) -> object:
            row: Any = object.__new__(cls)
            vars(row).update(values)
            return row

        return Construction(build)


@pytest.fixture
def registry() -> TupleRegistry:
    registry = TupleRegistry()
    registry.add_adapter(f"{Row.__module__}.{Row.__qualname__}", RowAdapter())
    return registry


def names(registry: TupleRegistry, name: str) -> list[str]:
    found = registry.get_by_name(name)
    assert found is not None
    return [field.name for field in found.fields]


def test_decorator_registers_and_gives_the_class_back(registry: TupleRegistry) -> None:
    class Person(Tuple):
        name: str

    assert tuple_type("acme.Person", registry=registry)(Person) is Person
    found = registry.get_by_class(Person)
    assert found is not None
    assert found is registry.get_by_name("acme.Person")
    assert (found.name, found.cls) == ("acme.Person", Person)
    assert list(registry) == [found]


def test_orm_class_is_registered_without_being_changed(registry: TupleRegistry) -> None:
    before = dict(vars(Airport))
    tuple_type("stock.Airport", fields="__all__", registry=registry)(Airport)
    assert names(registry, "stock.Airport") == ["id", "name"]
    assert dict(vars(Airport)) == before


def test_fields_may_be_chosen_and_excluded(registry: TupleRegistry) -> None:
    class Person(Tuple):
        name: str
        age: int
        shoe_size: int

    tuple_type("a.Chosen", fields=["age", "name"], registry=registry)(Person)
    assert names(registry, "a.Chosen") == ["age", "name"]

    class Other(Person):
        pass

    tuple_type("a.Excluded", exclude=["age"], registry=registry)(Other)
    assert names(registry, "a.Excluded") == ["name", "shoe_size"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"fields": ["nmae"]}, "names the field 'nmae', which Airport does not have"),
        (
            {"fields": "__all__", "exclude": ["nmae"]},
            "names the field 'nmae', which Airport does not have",
        ),
        ({"fields": ["nmae"]}, r"does not have\. Did you mean 'name'\?"),
        ({"fields": ["_internal"]}, "begins with '_' and cannot travel"),
    ],
)
def test_wrong_choice_is_told_at_first_use(
    registry: TupleRegistry, arguments: Any, text: str
) -> None:
    found = registry.add("stock.Airport", Airport, **arguments)
    with pytest.raises(DefinitionError, match=text):
        _ = found.fields


def test_unknown_names_are_reported_once_and_not_without_end(
    registry: TupleRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    registry.add("stock.Airport", Airport, fields=["id"])
    for _ in range(3):
        registry.report_unknown("stock.Aiport")
    (message,) = caplog.messages
    assert "'stock.Aiport', which is not registered. Did you mean 'stock.Airport'?" in message
    assert "@tuple_type" in message
    for number in range(3 * MAX_REPORTED_NAMES):
        registry.report_unknown(f"{number}" * 1000)
    assert len(caplog.messages) <= RECORDS_PER_PERIOD
    assert max(map(len, caplog.messages)) < 300


def test_a_name_and_a_class_are_registered_once(registry: TupleRegistry) -> None:
    registry.add("stock.Airport", Airport, fields=["id"])
    with pytest.raises(DefinitionError, match=r"The name 'stock\.Airport' is taken"):
        registry.add("stock.Airport", MarkedAirport, fields=["id"])
    with pytest.raises(DefinitionError, match="Airport is registered already"):
        registry.add("other.Name", Airport, fields=["id"])
    with pytest.raises(DefinitionError, match="needs a name"):
        registry.add("", MarkedAirport)


def test_reloaded_module_replaces_its_classes(registry: TupleRegistry) -> None:
    def define() -> type:
        class Person(Tuple):
            name = TupleField()

        return Person

    old, new = define(), define()
    registry.add("acme.Person", old)
    registry.add("acme.Person", new)
    found = registry.get_by_name("acme.Person")
    assert found is not None
    assert found.cls is new
    assert registry.get_by_class(old) is None


def test_orm_subclass_travels_as_its_nearest_registered_base(registry: TupleRegistry) -> None:
    class Proxy(Airport):
        pass

    class DeeperProxy(Proxy):
        pass

    assert registry.get_by_class(DeeperProxy) is None
    airport = registry.add("stock.Airport", Airport, fields=["id"])
    assert registry.get_by_class(DeeperProxy) is airport
    proxy = registry.add("stock.Proxy", Proxy, fields="__all__")
    assert registry.get_by_class(DeeperProxy) is proxy
    assert registry.get_by_class(Airport) is airport


def test_tuple_subclass_needs_a_registration_of_its_own(registry: TupleRegistry) -> None:
    class Person(Tuple):
        name: str

    class Student(Person):
        school: str

    registry.add("acme.Person", Person)
    assert registry.get_by_class(Student) is None
    registry.add("acme.Student", Student)
    assert names(registry, "acme.Student") == ["name", "school"]


def test_adapter_may_be_found_by_an_attribute(registry: TupleRegistry) -> None:
    found = registry.add("stock.Marked", MarkedAirport, fields="__all__")
    with pytest.raises(DefinitionError, match="cannot be a tuple type"):
        _ = found.adapter
    registry.add_attribute_adapter("__table__", RowAdapter())
    assert [field.name for field in found.fields] == ["id"]


def test_named_base_wins_over_attribute_and_dataclass(registry: TupleRegistry) -> None:
    @dataclasses.dataclass
    class Mapped(Row):
        x: int = 0

    assert isinstance(registry.adapters.require(Mapped), RowAdapter)


def test_class_of_no_known_kind_is_told(registry: TupleRegistry) -> None:
    with pytest.raises(
        DefinitionError, match="it is no Tuple, no dataclass and no class of a known"
    ):
        registry.adapters.require(int)


def test_selectors_are_in_every_registry(registry: TupleRegistry) -> None:
    by_name = registry.get_by_name("vortex.TupleSelector")
    assert by_name is not None
    assert by_name.cls is TupleSelector
    assert registry.get_by_class(TupleSelector) is by_name
    with pytest.raises(DefinitionError, match="is taken"):
        registry.add("vortex.TupleSelector", Airport, fields=["id"])


def test_a_class_of_an_orm_names_its_fields(registry: TupleRegistry) -> None:
    wanted = (
        r"tuple_type\('stock.Airport', fields=\['id', 'name'\]\)\(Airport\), or all .*'__all__'"
    )
    with pytest.raises(DefinitionError, match=wanted):
        registry.add("stock.Airport", Airport)
    with pytest.raises(DefinitionError, match="Name the fields of Airport"):
        registry.add("stock.Airport", Airport, exclude=["name"])
    assert list(registry) == []
    found = registry.add("stock.Airport", Airport, fields="__all__", exclude=["name"])
    assert [field.name for field in found.fields] == ["id"]


def test_a_class_of_an_orm_that_is_a_dataclass_names_its_fields(registry: TupleRegistry) -> None:
    @dataclasses.dataclass
    class Mapped(Row):
        x: int = 0

    with pytest.raises(DefinitionError, match="Name the fields of"):
        registry.add("stock.Mapped", Mapped)


def test_fields_are_named_also_before_the_orm_is_known() -> None:
    @dataclasses.dataclass
    class Mapped:
        __table__ = "mapped"
        columns = ("x",)
        x: int = 0

    registry = TupleRegistry()
    with pytest.raises(DefinitionError, match=r"fields=\[\.\.\.\]"):
        registry.add("stock.Marked", MarkedAirport)
    found = registry.add("stock.Mapped", Mapped)
    registry.add_attribute_adapter("__table__", RowAdapter())
    with pytest.raises(DefinitionError, match=r"fields=\['x'\]"):
        _ = found.fields


def test_plain_classes_may_say_all_aloud(registry: TupleRegistry) -> None:
    class Person(Tuple):
        name: str

    registry.add("acme.Person", Person, fields="__all__")
    assert names(registry, "acme.Person") == ["name"]


@pytest.mark.parametrize("fields", ["*", "id", ["*"], ["__all__"], ["id", 5], 5, {"id": 1}])
def test_all_fields_have_one_spelling(registry: TupleRegistry, fields: Any) -> None:
    with pytest.raises(DefinitionError, match="fields is a list of names"):
        registry.add("stock.Airport", Airport, fields=fields)
    with pytest.raises(DefinitionError, match="exclude is a list of names"):
        registry.add("stock.Airport", Airport, fields=["id"], exclude=fields)


def test_name_that_was_forgotten_is_missed_at_once():
    with pytest.raises(DefinitionError, match="@tuple_type of Airport has no name: write"):
        tuple_type(Airport)


@pytest.mark.parametrize("fields", [None, [], ["id"], "__all__"])
@pytest.mark.parametrize("thing", [Airport(), None, len])
def test_what_is_no_class_is_no_tuple_type(thing, fields):
    with pytest.raises(DefinitionError, match="Expected a class to register"):
        tuple_type("x.Y", fields=fields, registry=TupleRegistry())(thing)
