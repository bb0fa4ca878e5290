"""Which related rows travel inside the tuples of a model, and who sees them.

Takes what an application wrote as ``nested``, gives the shapes of the relations and who may see
their rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.access import Access
from django_vortex.orm.crud.fields import find_names, unknown_name
from django_vortex.orm.model_spec import ModelSpec, Shape
from django_vortex.orm.store import Store
from django_vortex.routing.permission import to_permission
from django_vortex.routing.permissions import AllowAny
from django_vortex.tuples import TupleRegistry


@dataclass(frozen=True, slots=True)
class CrudNested:
    """Related rows that travel inside, where there is more to say than which fields they have.

    Rows that the peer may not see stay out: of a relation to one row it gets None, of one to many
    those that it may see.

    Args:
        fields: As of `OrmCrudHandler`.
        permission: Who may retrieve which of them; only that action is asked for. Without one, and
            without ``get_queryset``, everybody who sees the outer row sees them.
        get_queryset: Gives the rows that exist for a request, a queryset or ``select`` of the
            related model.
        nested: As of `OrmCrudHandler`: what travels inside of these.
        type_name: The name of their tuple type, needed if another with other fields has that of the
            model.
    """

    fields: Sequence[str] | str | None = None
    permission: Any = None
    get_queryset: Callable[[Any], Any] | None = None
    nested: "Nested" = ()
    type_name: str | None = None


Nested: TypeAlias = Mapping[str, Sequence[str] | str | CrudNested] | Sequence[str]
"""By relation: the fields of its rows, or more to say about them."""


def make_shape(
    spec: ModelSpec,
    names: tuple[str, ...],
    nested: Nested,
    store: Store,
    registry: TupleRegistry,
    type_name: str | None = None,
) -> tuple[Shape, dict[str, Access]]:
    """Return what is read of each row, and who may see the rows inside where not everybody may.

    Raises:
        DefinitionError: A relation or field that is not there.
    """
    chosen: Mapping[str, Any] = nested if isinstance(nested, Mapping) else dict.fromkeys(nested)
    shapes, restricted = {}, {}
    for name, said in chosen.items():
        relation = spec.relations.get(name)
        if relation is None:
            raise unknown_name(spec, name, "nested", spec.relations)
        if name in names:
            raise DefinitionError(f"{spec.label}.{name} is named in fields and in nested")
        wanted = said if isinstance(said, CrudNested) else CrudNested(said)
        inner = store.describe(relation.model)
        fields = find_names(inner, wanted.fields, registry)
        shapes[name], inside = make_shape(
            inner, fields, wanted.nested, store, registry, wanted.type_name
        )
        if inside or wanted.permission is not None or wanted.get_queryset is not None:
            permission = to_permission(wanted.permission or AllowAny)
            restricted[name] = Access(permission, wanted.get_queryset, inside)
    return Shape(spec, names, shapes, frozenset(restricted), type_name), restricted
