"""Which rows a peer may refer to: foreign keys and lists of keys that it sets.

Takes what the handler knows of the rows at the other end, gives an error for a row that the peer
may not see, the same as for one that is not there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.orm.conditions import Comparison
from django_vortex.orm.crud.access import Access
from django_vortex.orm.crud.fields import unknown_name
from django_vortex.orm.crud.nested import NestedPlan
from django_vortex.orm.sameness import is_hashable
from django_vortex.orm.store import ModelRelation, ModelSpec, Rows, Shape, Store
from django_vortex.routing.permission import Action, to_permission

if TYPE_CHECKING:
    from django_vortex.orm.crud.items import Item
    from django_vortex.orm.crud.model import ModelPlan
    from django_vortex.orm.crud.work import CrudWork

MAX_KEYS = 500
"""How many rows are looked for at once where they are known by another field than their key."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A field that names rows of another model, of which not everybody sees all."""

    relation: ModelRelation
    shape: Shape
    access: Access


def find_references(
    spec: ModelSpec,
    said: Mapping[str, Any],
    nested: Mapping[str, NestedPlan],
    plans: "Sequence[ModelPlan]",
    store: Store,
) -> dict[str, Reference]:
    """Give the fields of a model that may only name rows which the peer sees.

    Args:
        spec: The model.
        said: What the application wrote as ``references``.
        nested: Who sees the rows inside, which also says who may refer to them.
        plans: The models of the handler: who sees their rows may refer to them.
        store: Where the rows are.

    Raises:
        DefinitionError: A relation that is not there, or has no field of its own.
    """
    for name in said:
        if name not in spec.relations:
            raise unknown_name(spec, name, "references", spec.relations)
        if spec.relations[name].field is None:
            raise DefinitionError(f"{spec.label}.{name} is no field that peers could set")
    found = {}
    for name, relation in spec.relations.items():
        if relation.field is None or relation.target is None:
            continue
        access = None
        if name in said:
            access = Access(to_permission(said[name]))
        elif name in nested:
            access = nested[name].access
        else:
            served = (plan.access for plan in plans if plan.spec.model is relation.model)
            access = next(served, None)
        if access is not None and access.restricts:
            inner = store.describe(relation.model)
            names = dict.fromkeys((*inner.key_names, relation.target))
            found[relation.field] = Reference(relation, Shape(inner, tuple(names)), access)
    return found


class ReferenceCheck:
    """Looks for references of one message, with one statement per field.

    Args:
        work: The request.
    """

    def __init__(self, work: "CrudWork") -> None:
        self._work = work
        self._wanted: dict[int, tuple[Reference, list[tuple[Item, Any]]]] = {}
        self._made: set[tuple[int, Any]] = set()
        self._impossible: list[tuple[Item, str, Any]] = []

    def add(self, item: "Item", name: str, value: Any, old: Any = None) -> None:
        """Note what a peer sets a field to; what a list had already stays allowed."""
        reference = item.plan.references.get(name)
        if reference is None or value is None:
            return
        values = [value]
        if reference.relation.is_many:
            known = set(old or ())
            values = [one for one in value if not is_hashable(one) or one not in known]
        _, wanted = self._wanted.setdefault(id(reference), (reference, []))
        for one in values:
            if is_hashable(one):
                wanted.append((item, one))
            else:
                self._impossible.append((item, name, one))

    def add_made(self, item: "Item") -> None:
        """Note a row that the same message makes under a key of its own."""
        if item.key is not None and len(item.key) == 1:
            self._made.add((id(item.plan.spec.model), item.key[0]))

    def find_missing(self) -> "Iterable[tuple[Item, str, Any]]":
        """Give what there is not for the peer: of each the tuple, the field and the key."""
        yield from self._impossible
        for reference, wanted in self._wanted.values():
            made = id(reference.relation.model)
            values = {value for _, value in wanted if (made, value) not in self._made}
            there = self._find_there(reference, list(values)) if values else set()
            for item, value in wanted:
                if value in values and value not in there:
                    yield item, str(reference.relation.field), value

    def _find_there(self, reference: Reference, values: list[Any]) -> set[Any]:
        asking, access, target = self._work.asking, reference.access, reference.relation.target
        assert target is not None
        if not asking.is_allowed(access, Action.RETRIEVE):
            return set()
        rows = self._work.unit.rows(reference.shape, asking.find_scope(access, Action.RETRIEVE, {}))
        return {
            rows.read(row, [target])[target]
            for row in _look_up(rows, reference, target, values)
            if asking.may(access, Action.RETRIEVE, row)
        }


def _look_up(rows: Rows, reference: Reference, target: str, values: list[Any]) -> Iterable[Any]:
    if reference.shape.spec.key_names == (target,):
        return rows.get_many([(value,) for value in values]).values()
    found: list[Any] = []
    for start in range(0, len(values), MAX_KEYS):
        found += rows.find(Comparison(target, "in", values[start : start + MAX_KEYS]))
    return found


def no_such_row(value: Any) -> str:
    """Give the text for a key that no row has."""
    return f"There is no row {quoted(value)}"
