"""The registry of tuple types: `TupleRegistry`, `tuple_type`.

Takes classes with names, gives a `TupleType` by name or by class. Classes are only looked into at
first use: in a class decorator an ORM has not finished the class yet.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TypeVar

from django_vortex.exceptions import DefinitionError, did_you_mean, quoted
from django_vortex.logs import get_limited_logger
from django_vortex.tuples.adapters import Adapters, Construction, TupleAdapter
from django_vortex.tuples.field_choice import ALL_FIELDS, read_fields, read_names
from django_vortex.tuples.fields import FieldSpec
from django_vortex.tuples.stand_ins import StandIns
from django_vortex.tuples.values import ValueTypes

logger = get_limited_logger(__name__)

_Class = TypeVar("_Class", bound=type)

MAX_REPORTED_NAMES = 1000
"""How many unknown names a registry remembers; peers may make up any number of them."""


class TupleType:
    """A registered class: its name on the wire, its fields and how to rebuild its instances.

    Attributes:
        keeps_unknown: Whether names in a message that are no fields are remembered
            (`unknown_fields`) for who wants to complain about them. To be set before first use.
    """

    def __init__(
        self,
        name: str,
        cls: type,
        adapters: Adapters,
        wanted: Sequence[str] | str | None,
        exclude: Collection[str],
    ) -> None:
        self.name = name
        self.cls = cls
        self.keeps_unknown = False
        self._adapters = adapters
        self._wanted = wanted
        self._exclude = exclude
        self._adapter: TupleAdapter | None = None
        self._fields: tuple[FieldSpec, ...] | None = None

    @property
    def adapter(self) -> TupleAdapter:
        """The adapter of the class's family.

        Raises:
            DefinitionError: No adapter knows such a class.
        """
        if self._adapter is None:
            self._adapter = self._adapters.require(self.cls)
        return self._adapter

    @property
    def fields(self) -> tuple[FieldSpec, ...]:
        """The fields that travel.

        Raises:
            DefinitionError: A chosen or excluded field does not exist, or none are named of a class
                that has to.
        """
        if self._fields is None:
            if self._wanted is None and self.adapter.needs_fields:
                raise _unnamed(self.name, self.cls, self.adapter)
            self._fields = self._choose(self.adapter.find_fields(self.cls))
        return self._fields

    def get_construction(self) -> Construction:
        """Return how instances are rebuilt."""
        return self.adapter.get_construction(self.cls, self.fields)

    def __repr__(self) -> str:
        return f"<TupleType {self.name!r} of {self.cls.__module__}.{self.cls.__qualname__}>"

    def _choose(self, found: Sequence[FieldSpec]) -> tuple[FieldSpec, ...]:
        by_name = {field.name: field for field in found}
        all_names = [name for name in by_name if not name.startswith("_")]
        wanted = all_names if self._wanted in (None, ALL_FIELDS) else list(self._wanted or ())
        for name in [*wanted, *self._exclude]:
            if name not in by_name:
                raise DefinitionError(
                    f"Tuple type {self.name!r} names the field {name!r}, "
                    f"which {self.cls.__qualname__} does not have{did_you_mean(name, by_name)}"
                )
            if name.startswith("_"):
                raise DefinitionError(f"Field {self.name}.{name} begins with '_' and cannot travel")
            if by_name[name].refusal and name not in self._exclude:
                raise DefinitionError(
                    f"Tuple type {self.name!r}: {self.cls.__qualname__}.{name} "
                    f"{by_name[name].refusal}; leave it out"
                )
        return tuple(by_name[name] for name in wanted if name not in self._exclude)


class TupleRegistry:
    """The tuple types of a program, or of one test.

    The types that the protocol itself needs are in every registry.
    """

    def __init__(self) -> None:
        self.values = ValueTypes()
        """Which classes travel as single values."""
        self.stand_ins = StandIns()
        """Which values travel as others that they stand for."""
        self.adapters = Adapters()
        """How the classes are read and rebuilt."""
        self._by_name: dict[str, TupleType] = {}
        self._by_class: dict[type, TupleType] = {}
        self._found: dict[type, TupleType | None] = {}
        self._reported: set[str] = set()

    def add(
        self,
        name: str,
        cls: type,
        *,
        fields: Sequence[str] | str | None = None,
        exclude: Collection[str] = (),
    ) -> TupleType:
        """Register a class under a name.

        Args:
            name: The name on the wire, by convention ``application.Class``.
            cls: A `Tuple`, a dataclass, or a class that an added adapter knows.
            fields: The fields that travel, or ``"__all__"``. May be left out for a `Tuple` or a
                dataclass, whose fields are declared to travel; a class of an ORM names them.
            exclude: Fields that do not.

        Raises:
            DefinitionError: The name or the class is registered otherwise already, or the fields
                have to be named and are not.
        """
        if not isinstance(cls, type):
            raise DefinitionError(
                f"Expected a class to register as tuple type {quoted(name)}, got {quoted(cls)}; "
                "a Core table has none, OrmCrudHandler takes it as it is"
            )
        if not name:
            raise DefinitionError(f"{cls.__qualname__} needs a name to be registered under")
        wanted = None if fields is None else read_fields(fields)
        excluded = frozenset(read_names(exclude, "exclude"))
        if wanted is None:
            self._check_declared(name, cls)
        other = self.get_by_name(name)
        if other is not None and not _is_redefinition(other.cls, cls):
            raise DefinitionError(f"The name {name!r} is taken: {other!r}")
        known = self._by_class.get(cls)
        if known is not None and known.name != name:
            raise DefinitionError(f"{cls.__qualname__} is registered already: {known!r}")
        value_type = self.values.get_by_class(cls)
        if value_type is not None and value_type.cls is cls:
            raise DefinitionError(f"{cls.__qualname__} is registered as a value type already")
        if other is not None:
            self._by_class.pop(other.cls, None)
        tuple_type = TupleType(name, cls, self.adapters, wanted, excluded)
        self._by_name[name] = self._by_class[cls] = tuple_type
        self._found.clear()
        return tuple_type

    def add_partial(self, whole: TupleType, cls: type) -> TupleType:
        """Let instances of a class travel under the name of another type, without some fields.

        Nothing is rebuilt as one of them: what a peer sends under that name is of the whole type.
        """
        partial = self._by_class[cls] = TupleType(whole.name, cls, self.adapters, None, frozenset())
        self._found.clear()
        return partial

    def get_by_name(self, name: str) -> TupleType | None:
        """Return the type that is registered under a name."""
        return self._by_name.get(name) or _built_in.get(name)

    def get_by_class(self, cls: type) -> TupleType | None:
        """Return the type that instances of a class travel as.

        That is the class's own registration, or for ORM classes that of the nearest base.
        """
        try:
            return self._found[cls]
        except KeyError:
            found = self._found[cls] = self._search(cls)
            return found

    def add_adapter(self, base: str, adapter: TupleAdapter) -> None:
        """Use an adapter for the subclasses of a class.

        Args:
            base: The dotted name of the base class, so that it need not be imported.
            adapter: What reads and rebuilds the instances.
        """
        self.adapters.add(base, adapter)
        self._found.clear()

    def add_attribute_adapter(self, attribute: str, adapter: TupleAdapter) -> None:
        """Use an adapter for classes that have an attribute, where they have no common base."""
        self.adapters.add_by_attribute(attribute, adapter)
        self._found.clear()

    def report_unknown(self, name: object) -> None:
        """Log how to register an unknown type that a peer names, once for each name."""
        shown = quoted(name)
        if shown in self._reported:
            return
        if len(self._reported) >= MAX_REPORTED_NAMES:
            self._reported.clear()
        self._reported.add(shown)
        logger.warning(
            "A peer names the tuple type %s, which is not registered%s. If it is yours, decorate "
            "its class with @tuple_type and import its module in vortex.py",
            shown,
            _Suggestion(name, self._by_name),
        )

    def __iter__(self) -> Iterator[TupleType]:
        return iter(list(self._by_name.values()))

    def _check_declared(self, name: str, cls: type) -> None:
        """Refuse a class whose fields are columns of a table, unless they are named.

        Before the ORMs are known (Django's apps are not ready) whatever declares no fields of its
        own is taken for such a class.
        """
        adapter = self.adapters.get(cls)
        if adapter is None or adapter.needs_fields:
            raise _unnamed(name, cls, adapter)

    def _search(self, cls: type) -> TupleType | None:
        for base in cls.__mro__:
            found = self._by_class.get(base)
            if found is not None:
                return found if base is cls or found.adapter.takes_subclasses else None
        return next((known for known in _built_in.values() if known.cls is cls), None)


class _Suggestion:
    """The registered name that is nearest to an unknown one, looked for when it is written."""

    def __init__(self, name: object, known: Iterable[str]) -> None:
        self._name = name
        self._known = known

    def __str__(self) -> str:
        return did_you_mean(self._name, self._known)


def _unnamed(name: str, cls: type, adapter: TupleAdapter | None) -> DefinitionError:
    """Make the error that tells what to write for a class whose fields have to be named."""
    names = () if adapter is None else adapter.list_names(cls)
    listed = ", ".join(repr(field) for field in names if not field.startswith("_")) or "..."
    return DefinitionError(
        f"Name the fields of {cls.__qualname__} that peers may see: "
        f"tuple_type({name!r}, fields=[{listed}])({cls.__qualname__}), "
        f"or all of them, fields={ALL_FIELDS!r}; nothing of a table is shown unless named"
    )


def _is_redefinition(old: type, new: type) -> bool:
    """Return whether a class replaces its former self, as a reloaded module does."""
    return (old.__module__, old.__qualname__) == (new.__module__, new.__qualname__)


registry = TupleRegistry()
"""The tuple types of the program, where the decorators put them."""

_built_in: dict[str, TupleType] = {}


def add_built_in(name: str, cls: type) -> None:
    """Register a class of the protocol in all registries."""
    _built_in[name] = TupleType(name, cls, registry.adapters, None, frozenset())


def tuple_type(
    name: str,
    *,
    fields: Sequence[str] | str | None = None,
    exclude: Collection[str] = (),
    registry: TupleRegistry = registry,
) -> Callable[[_Class], _Class]:
    """Register a class as a tuple type and return it unchanged.

    A decorator for `Tuple` subclasses and dataclasses; for ORM classes a call:
    ``tuple_type("stock.Airport", fields=["iata", "name"])(Airport)``.

    Args:
        name: The name on the wire, by convention ``application.Class``.
        fields: The fields that travel, or ``"__all__"`` for every one, also those that come later.
            A class of an ORM has to name them; those of a `Tuple` or a dataclass are declared to
            travel, so it may leave them out.
        exclude: Fields that do not.
        registry: Where to register, the program's by default.

    Raises:
        DefinitionError: The name or the class is registered otherwise already, or the fields have
            to be named and are not; or it is used without a name, as ``@tuple_type``.
    """
    given: object = name  # the class, where the decorator is used without a name
    if not isinstance(given, str):
        shown = given.__qualname__ if isinstance(given, type) else quoted(given)
        raise DefinitionError(
            f"@tuple_type of {shown} has no name: write @tuple_type('board.Note') "
            "with a name of your own"
        )

    def register(cls: _Class) -> _Class:
        registry.add(name, cls, fields=fields, exclude=exclude)
        return cls

    return register
