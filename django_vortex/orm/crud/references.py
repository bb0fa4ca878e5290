"""Which rows a peer may refer to: foreign keys and lists of keys that it sets.

Takes what an application wrote as ``references``, gives by field who may set it to which rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.access import Access
from django_vortex.orm.crud.fields import unknown_name
from django_vortex.orm.model_spec import ModelRelation, ModelSpec, Shape
from django_vortex.orm.store import Store
from django_vortex.routing.permission import to_permission


@dataclass(frozen=True, slots=True)
class Reference:
    """A field that names rows of another model, not all of which everybody may see."""

    relation: ModelRelation
    shape: Shape
    access: Access


def make_references(
    spec: ModelSpec,
    said: Mapping[str, Any],
    access: Access,
    served: Mapping[int, Access],
    store: Store,
) -> dict[str, Reference]:
    """Return the fields of a model that may only name rows which the peer may see.

    Args:
        spec: The model.
        said: What the application wrote as ``references``.
        access: Who may see its rows; who may see the rows inside may refer to them.
        served: By ``id`` of the models of the handler, who may see their rows and refer to them.
        store: Where the rows are.

    Raises:
        DefinitionError: A relation that is not there, or has no field of its own.
    """
    for name in said:
        if name not in spec.relations:
            raise unknown_name(spec, name, "references", spec.relations)
        if spec.relations[name].field is None:
            raise DefinitionError(f"{spec.label}.{name} is no field that peers could set")
    made = {}
    for name, relation in spec.relations.items():
        if relation.field is None or relation.target is None:
            continue
        if name in said:
            needed: Access | None = Access(to_permission(said[name]))
        elif name in access.nested:
            needed = access.nested[name]
        else:
            needed = served.get(id(relation.model))
        if needed is not None and needed.is_restricted:
            inner = store.describe(relation.model)
            shape = Shape(inner, tuple(dict.fromkeys((*inner.key_names, relation.target))))
            made[relation.field] = Reference(relation, shape, replace(needed, nested={}))
    return made
