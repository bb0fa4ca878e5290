"""In which order the rows of one message are written, so that what is valid at its end is stored.

Takes rows that are going to be written, gives steps. A row comes behind those that it refers to,
and behind the one that has a unique value until now which it gets. Where rows go round in a circle,
one gives up its value first (it is *parked*), or gets its reference afterwards (*completed*).

Rows are deleted the other way round: in a circle one gives up its reference first.
"""

import heapq
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from django_vortex.orm.model_spec import ModelSpec
from django_vortex.orm.sameness import is_hashable
from django_vortex.orm.uniqueness import Unique


@dataclass(slots=True)
class Write:
    """A row that is going to be written."""

    spec: ModelSpec
    row: Any
    is_new: bool
    changed: frozenset[str]
    before: Mapping[str, Any]
    """Of a stored row, the values that it has in the database, those of `changed` at least."""

    read: Callable[[Iterable[str]], Mapping[str, Any]]
    """Gives the values that it is going to have."""

    defers_references: bool = False
    """Whether the database looks at references at the end only."""

    def sets(self, names: Iterable[str]) -> bool:
        """Return whether one of these fields gets a value."""
        return self.is_new or not self.changed.isdisjoint(names)


class Action(Enum):
    """What a step does."""

    WRITE = "write"
    """Insert or update, without some references; or delete."""

    PARK = "park"
    """Give up the values of fields that are unique together, or a reference."""

    COMPLETE = "complete"
    """Write the references that were left out."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do to one row.

    Attributes:
        index: The place of its `Write`.
        names: The fields it is about.
    """

    action: Action
    index: int
    names: tuple[str, ...] = ()


class _Kind(Enum):
    SAME_ROW = 0
    REFERENCE = 1
    UNIQUE = 2
    NEED = 3
    """A row refers to another that is deleted: it goes first."""


@dataclass(frozen=True, slots=True)
class _Edge:
    """One row that has to be written before another, and for which fields of it."""

    first: int
    then: int
    kind: _Kind
    names: tuple[str, ...] = ()


def order_writes(writes: Sequence[Write]) -> list[Step]:
    """Return the steps that write all rows; in the given order where that does."""
    edges: list[_Edge] = []
    if len(writes) > 1:
        edges += _find_repeated(writes)
        edges += _find_unique(writes)
        edges += _find_references(writes, [(one.spec, one) for one in writes if one.is_new])
    if not edges:
        return [Step(Action.WRITE, index) for index in range(len(writes))]
    return list(_Walk(writes, edges).steps())


def order_deletes(writes: Sequence[Write]) -> list[Step]:
    """Return the steps that delete all rows, those first that refer to others."""
    found = _find_references(writes, [(one.spec, one) for one in writes], is_delete=True)
    edges = [_Edge(one.then, one.first, _Kind.NEED, one.names) for one in found]
    if not edges:
        return [Step(Action.WRITE, index) for index in range(len(writes))]
    return list(_Walk(writes, edges).steps())


class _Walk:
    """Goes from row to row along what has to come before what."""

    def __init__(self, writes: Sequence[Write], edges: Iterable[_Edge]) -> None:
        self._writes = writes
        self._into: list[set[_Edge]] = [set() for _ in writes]
        self._out: list[set[_Edge]] = [set() for _ in writes]
        self._left = dict.fromkeys(range(len(writes)))
        self._without: dict[int, list[str]] = {}
        for edge in edges:
            self._into[edge.then].add(edge)
            self._out[edge.first].add(edge)
        self._ready = [index for index in self._left if not self._into[index]]

    def steps(self) -> Iterator[Step]:
        """Return all steps."""
        while self._left:
            while self._ready:
                index = heapq.heappop(self._ready)
                del self._left[index]
                yield Step(Action.WRITE, index, tuple(self._without.get(index, ())))
                for edge in list(self._out[index]):
                    self._drop(edge)
            if self._left:
                yield from self._break_circle()
        for index, names in self._without.items():
            yield Step(Action.COMPLETE, index, tuple(names))

    def _break_circle(self) -> Iterator[Step]:
        circle = self._find_circle()
        chosen = max(circle, key=lambda edge: (self._rank(edge), -edge.then))
        if self._rank(chosen) == _PARK:
            yield Step(Action.PARK, chosen.first, chosen.names)
            for edge in list(self._out[chosen.first]):
                if (edge.kind, edge.names) == (chosen.kind, chosen.names):
                    self._drop(edge)
            return
        if self._rank(chosen) == _CUT:
            self._without.setdefault(chosen.then, []).extend(chosen.names)
        self._drop(chosen)

    def _rank(self, edge: _Edge) -> int:
        """Return how well a circle is broken here."""
        if edge.kind is _Kind.UNIQUE:
            return _PARK
        if edge.kind is _Kind.SAME_ROW:
            return _NEVER
        if edge.kind is _Kind.NEED:
            needing = self._writes[edge.first].spec.fields
            return _PARK if needing[edge.names[0]].is_nullable else _DROP
        write = self._writes[edge.then]
        if write.defers_references:
            return _LEAVE_TO_DATABASE
        field = write.spec.fields.get(edge.names[0]) if edge.names else None
        can_be_cut = field and field.is_nullable and not field.is_many and write.is_new
        return _CUT if can_be_cut else _DROP

    def _find_circle(self) -> list[_Edge]:
        """Return the edges of a circle; there is one where all that is left waits."""
        index, way = next(iter(self._left)), dict[int, _Edge]()
        while index not in way:
            edge = min(self._into[index], key=lambda edge: edge.first)
            way[index] = edge
            index = edge.first
        circle, start = [], index
        while True:
            circle.append(way[index])
            index = way[index].first
            if index == start:
                return circle

    def _drop(self, edge: _Edge) -> None:
        self._out[edge.first].discard(edge)
        into = self._into[edge.then]
        into.discard(edge)
        if not into and edge.then in self._left:
            heapq.heappush(self._ready, edge.then)


_Place: TypeAlias = frozenset[str]

_NEVER, _DROP, _PARK, _CUT, _LEAVE_TO_DATABASE = range(5)
"""Which edge of a circle goes, the last of these that there is: better none is parked."""


def _find_repeated(writes: Sequence[Write]) -> Iterator[_Edge]:
    """Find rows that are written twice: those keep their order."""
    last: dict[int, int] = {}
    for index, write in enumerate(writes):
        known = last.get(id(write.row))
        if known is not None:
            yield _Edge(known, index, _Kind.SAME_ROW)
        last[id(write.row)] = index


def _find_unique(writes: Sequence[Write]) -> Iterator[_Edge]:
    """Find rows that get a value which another has until now."""
    freed: dict[tuple[_Place, Hashable], tuple[int, tuple[str, ...]]] = {}
    places: set[_Place] = set()
    for index, write in enumerate(writes):
        for unique in () if write.is_new else write.spec.unique:
            if write.changed.isdisjoint(unique.all_names):
                continue
            now = write.read(unique.all_names)
            value = unique.value({**now, **_pick(write.before, unique.all_names)})
            if value is not None and value != unique.value(now):
                place = _get_place(write.spec, unique)
                places.add(place)
                names = tuple(name for name in unique.names if name in write.changed)
                freed[place, value] = (index, names)
    if not freed:
        return
    for index, write in enumerate(writes):
        for unique in write.spec.unique:
            place = _get_place(write.spec, unique)
            if place not in places or not write.sets(unique.all_names):
                continue
            value = unique.value(write.read(unique.all_names))
            first, names = freed.get((place, value), (index, ()))
            if writes[first].row is not write.row:
                yield _Edge(first, index, _Kind.UNIQUE, names)


def _find_references(
    writes: Sequence[Write],
    targets: Sequence[tuple[ModelSpec, Write]],
    *,
    is_delete: bool = False,
) -> Iterator[_Edge]:
    """Find rows that refer to others of the message; to themselves, too, where they are deleted."""
    columns = {
        column
        for spec in {id(spec): spec for spec, _ in targets}.values()
        for field in spec.fields.values()
        for column in field.columns
    }
    referring: dict[int, list[str]] = {}
    for write in writes:
        if id(write.spec) not in referring:
            referring[id(write.spec)] = [
                field.name
                for field in write.spec.fields.values()
                if not (is_delete and field.is_many) and not columns.isdisjoint(field.refers_to)
            ]
    wanted = {
        column
        for write in writes
        for name in referring[id(write.spec)]
        for column in write.spec.fields[name].refers_to
    }
    if not wanted:
        return
    places = {id(write): index for index, write in enumerate(writes)}
    there: dict[tuple[str, Hashable], int] = {}
    for spec, target in targets:
        names = [f.name for f in spec.fields.values() if not wanted.isdisjoint(f.columns)]
        for name, value in target.read(names).items():
            if value is not None and is_hashable(value):
                for column in spec.fields[name].columns & wanted:
                    there.setdefault((column, value), places[id(target)])
    for index, write in enumerate(writes):
        names = [name for name in referring[id(write.spec)] if write.sets([name])]
        for name, value in write.read(names).items() if names else ():
            field = write.spec.fields[name]
            for one in value if field.is_many and isinstance(value, list) else [value]:
                for column in field.refers_to if is_hashable(one) else ():
                    first = there.get((column, one))
                    if first is not None and (is_delete or writes[first].row is not write.row):
                        yield _Edge(first, index, _Kind.REFERENCE, (name,))


def _get_place(spec: ModelSpec, unique: Unique) -> _Place:
    """Return what is unique, the same for all models that share a table."""
    return frozenset(min(spec.fields[name].columns, default=name) for name in unique.names)


def _pick(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}
