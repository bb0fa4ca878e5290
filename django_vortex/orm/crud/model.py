"""What an `OrmCrudHandler` serves of one model.

Takes what the application wrote, `CrudModel`, checks it against what the store knows of the model
and gives a `ModelPlan`, which the work goes by.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, TypeAlias

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.orm.access import Access
from django_vortex.orm.crud.extension import CrudExtension, find_hooks
from django_vortex.orm.crud.fields import check_names, find_names
from django_vortex.orm.crud.nested import Nested, make_shape
from django_vortex.orm.crud.references import Reference, make_references
from django_vortex.orm.crud.row_tuples import RowTupleType, make_row_tuple_type
from django_vortex.orm.model_spec import ModelSpec, Shape
from django_vortex.orm.store import Store
from django_vortex.routing.permission import Permission, to_permission
from django_vortex.tuples import TupleRegistry

Extensions: TypeAlias = Iterable[Any] | Mapping[Any, Iterable[Any]]
"""For all models, or by model."""


@dataclass(frozen=True, slots=True)
class CrudModel:
    """One of several models of an `OrmCrudHandler`.

    Args:
        model: As of `OrmCrudHandler`, of the same ORM and in the same database.
        fields: As there.
        read_only_fields: As there.
        permission: Who may do what with its rows, by default that of the handler.
        references: As there.
        type_name: As there.
        nested: As there.
        client_keys: As there.
        version_field: As there.
        get_queryset: Gives the rows of this model that exist for a request.
        extensions: Each a `CrudExtension`; they are called after those of the handler.
    """

    model: Any
    _: KW_ONLY
    fields: Sequence[str] | str | None = None
    read_only_fields: Sequence[str] = ()
    permission: Any = None
    references: Mapping[str, Any] = field(default_factory=dict)
    type_name: str | None = None
    nested: Nested = ()
    client_keys: bool = False
    version_field: str | None = None
    get_queryset: Callable[[Any], Any] | None = None
    extensions: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """How one model is served."""

    spec: ModelSpec
    shape: Shape
    row_tuple: RowTupleType
    writable: frozenset[str]
    """The fields that peers may set, apart from the key."""

    client_keys: bool
    version_field: str | None
    access: Access
    references: Mapping[str, Reference]
    """By field: who may set it to which rows, where not everybody may to all."""

    extensions: tuple[CrudExtension, ...]

    hooks: frozenset[str]
    """Those that an extension has of its own."""


def make_plans(
    cruds: Sequence[CrudModel],
    store: Store,
    registry: TupleRegistry,
    permission: Permission,
    extensions: Extensions,
) -> tuple[ModelPlan, ...]:
    """Check what the application wrote of the models of a handler.

    Args:
        cruds: What it wrote.
        store: Where the rows are.
        registry: Where tuple types are registered.
        permission: The handler's, for a model without its own.
        extensions: The handler's, before those of the model; of some models by model.

    Raises:
        DefinitionError: A field or relation that is not there, or a tuple type name that is taken.
    """
    by_model = extensions if isinstance(extensions, Mapping) else {}
    models = [crud.model for crud in cruds]
    for model in by_model:
        if model not in models:
            raise DefinitionError(f"extensions names {quoted(model)}, which is not served here")
    common = () if isinstance(extensions, Mapping) else extensions
    plans = [
        _make_plan(crud, store, registry, permission, by_model.get(crud.model, common))
        for crud in cruds
    ]
    served = {id(plan.spec.model): plan.access for plan in reversed(plans)}
    return tuple(
        replace(
            plan, references=make_references(plan.spec, crud.references, plan.access, served, store)
        )
        for crud, plan in zip(cruds, plans, strict=True)
    )


def _make_plan(
    crud: CrudModel,
    store: Store,
    registry: TupleRegistry,
    permission: Permission,
    extensions: Iterable[Any],
) -> ModelPlan:
    spec = store.describe(crud.model)
    names = find_names(spec, crud.fields, registry)
    version = crud.version_field
    if version is not None:
        check_names(spec, [version], "version_field")
        if spec.fields[version].type is not int:
            raise DefinitionError(f"version_field {spec.label}.{version} has to be an integer")
        names = names if version in names else (*names, version)
    check_names(spec, crud.read_only_fields, "read_only_fields")
    shape, nested = make_shape(spec, names, crud.nested, store, registry)
    read_only = {*crud.read_only_fields, *spec.key_names, version}
    own = tuple(_to_extension(one) for one in (*extensions, *crud.extensions))
    return ModelPlan(
        spec=spec,
        shape=shape,
        row_tuple=make_row_tuple_type(shape, crud.type_name, registry),
        writable=frozenset(
            name for name in names if name not in read_only and not spec.fields[name].is_read_only
        ),
        client_keys=crud.client_keys,
        version_field=version,
        access=Access(
            permission if crud.permission is None else to_permission(crud.permission),
            crud.get_queryset,
            nested,
        ),
        references={},
        extensions=own,
        hooks=find_hooks(own),
    )


def _to_extension(value: Any) -> CrudExtension:
    if isinstance(value, type) and issubclass(value, CrudExtension):
        return value()
    if isinstance(value, CrudExtension):
        return value
    raise DefinitionError(f"Expected a CrudExtension, got {quoted(value)}")
