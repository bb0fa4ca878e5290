"""Adapters: how instances of a class are read and rebuilt.

Takes classes, gives the adapter of each, which lists the fields and rebuilds the instances. Those
of `Tuple` and of dataclasses are here; those of ORMs live where the ORM may be imported and are
added to the registry by name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django_vortex.exceptions import DefinitionError
from django_vortex.tuples.base import Tuple, fill
from django_vortex.tuples.fields import FieldSpec, resolve_types


@dataclass(frozen=True, slots=True)
class Construction:
    """How the instances of one class are rebuilt from what a peer sent."""

    build: Callable[[Mapping[str, object]], object]
    """Makes an instance from some of the declared fields; the others keep their defaults.

    The values are checked against the declared types already. Never runs the user's ``__init__``.
    """

    is_plain: bool = False
    """Whether ``object.__new__`` and assigning every declared field does the same as ``build``.

    The compiled plan then does that itself, which is several times faster.
    """


class TupleAdapter(Protocol):
    """Reads and rebuilds the instances of a family of classes."""

    takes_subclasses: bool
    """Whether an instance of an unregistered subclass travels as its nearest registered base.

    ORM classes do: queries return proxies and polymorphic children. For plain classes a forgotten
    registration is a mistake to be told.
    """

    needs_fields: bool
    """Whether an application has to name the fields that travel, or say that all do.

    Columns of tables are not declared for peers to see. The fields of plain classes are.
    """

    def list_names(self, cls: type) -> Sequence[str]:
        """List the names of all fields that can travel; the class may not be complete yet."""

    def find_fields(self, cls: type) -> Sequence[FieldSpec]:
        """List all fields that can travel, in the order of declaration."""

    def get_construction(self, cls: type, fields: Sequence[FieldSpec]) -> Construction:
        """Return how to rebuild instances when only ``fields`` may be set."""

    def get_key_names(self, cls: type) -> Sequence[str]:
        """Return the attributes that tell one instance from all others; none if there are none."""


class TupleClassAdapter:
    """Reads and rebuilds `Tuple` subclasses."""

    takes_subclasses = False
    needs_fields = False

    def list_names(self, cls: type[Tuple]) -> Sequence[str]:
        """List the declared and inherited fields."""
        return list(cls.__tuple_fields__)

    def find_fields(self, cls: type[Tuple]) -> Sequence[FieldSpec]:
        """List the declared and inherited fields."""
        hints = resolve_types(cls)
        return [
            FieldSpec(name, hints.get(name) if d.type is None else d.type, d.raw)
            for name, d in cls.__tuple_fields__.items()
        ]

    def get_construction(self, cls: type[Tuple], fields: Sequence[FieldSpec]) -> Construction:
        """Set attributes past ``__init__``, which a subclass may have replaced."""

        def build(values: Mapping[str, object]) -> Tuple:
            instance: Tuple = object.__new__(cls)
            fill(instance, values)
            return instance

        has_all = len(fields) == len(cls.__tuple_fields__)
        return Construction(build, is_plain=has_all and is_assigned_plainly(cls))

    def get_key_names(self, cls: type[Tuple]) -> Sequence[str]:
        """Return what the class says of itself."""
        return cls.__tuple_key__


class DataclassAdapter:
    """Reads and rebuilds dataclasses: frozen, slotted and ordinary ones."""

    takes_subclasses = False
    needs_fields = False

    def list_names(self, cls: type[Any]) -> Sequence[str]:
        """List the dataclass fields."""
        return [field.name for field in dataclasses.fields(cls)]

    def find_fields(self, cls: type[Any]) -> Sequence[FieldSpec]:
        """List the dataclass fields whose names can travel."""
        hints = resolve_types(cls)
        return [
            FieldSpec(field.name, hints.get(field.name))
            for field in dataclasses.fields(cls)
            if not field.name.startswith("_")
        ]

    def get_construction(self, cls: type[Any], fields: Sequence[FieldSpec]) -> Construction:
        """Set attributes past ``__init__`` and ``__post_init__``, which peers must not drive."""
        declared = dataclasses.fields(cls)

        def build(values: Mapping[str, object]) -> object:
            instance = object.__new__(cls)
            for field in declared:
                if field.name in values:
                    value = values[field.name]
                elif field.default_factory is not dataclasses.MISSING:
                    value = field.default_factory()
                else:
                    value = None if field.default is dataclasses.MISSING else field.default
                object.__setattr__(instance, field.name, value)
            return instance

        has_all = len(fields) == len(declared)
        return Construction(build, is_plain=has_all and is_assigned_plainly(cls))

    def get_key_names(self, cls: type[Any]) -> Sequence[str]:
        """Return none: a dataclass says nothing about it."""
        return ()


class Adapters:
    """The adapters of a registry: by base class, else by an attribute, else by what a class is."""

    def __init__(self) -> None:
        self._by_base: dict[str, TupleAdapter] = {}
        self._by_attribute: dict[str, TupleAdapter] = {}
        self._tuple_adapter = TupleClassAdapter()
        self._dataclass_adapter = DataclassAdapter()

    def add(self, base: str, adapter: TupleAdapter) -> None:
        """Use an adapter for the subclasses of the class with this dotted name."""
        self._by_base[base] = adapter

    def add_by_attribute(self, attribute: str, adapter: TupleAdapter) -> None:
        """Use an adapter for classes that have an attribute, where they have no common base."""
        self._by_attribute[attribute] = adapter

    def get(self, cls: type) -> TupleAdapter | None:
        """Return the adapter for a class, or None; the nearest named base wins."""
        if issubclass(cls, Tuple):
            return self._tuple_adapter
        for base in cls.__mro__:
            adapter = self._by_base.get(f"{base.__module__}.{base.__qualname__}")
            if adapter is not None:
                return adapter
        for attribute, adapter in self._by_attribute.items():
            if hasattr(cls, attribute):
                return adapter
        if dataclasses.is_dataclass(cls):
            return self._dataclass_adapter
        return None

    def require(self, cls: type) -> TupleAdapter:
        """Return the adapter for a class.

        Raises:
            DefinitionError: There is none.
        """
        adapter = self.get(cls)
        if adapter is None:
            raise DefinitionError(
                f"{cls.__module__}.{cls.__qualname__} cannot be a tuple type: it is no Tuple, "
                "no dataclass and no class of a known ORM"
            )
        return adapter


def is_assigned_plainly(cls: type) -> bool:
    """Return whether assigning an attribute of an instance runs no code of the class."""
    own = {name for base in cls.__mro__[:-1] for name in vars(base)}
    return not own & {"__setattr__", "__new__"}
