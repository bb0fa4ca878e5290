"""What an `OrmCrudHandler` serves: a plan, made once of what the handler says.

Takes the attributes of a handler, gives the models with their tuples, permissions and extensions,
and the lists there are. Everything that is the same for all requests is known from it.
"""

from dataclasses import dataclass
from typing import Any

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.orm.crud.listing import Listing
from django_vortex.orm.crud.model import CrudModel, ModelPlan, make_plans
from django_vortex.routing.permission import to_permission
from django_vortex.routing.permissions import DefaultRowPermission


@dataclass(frozen=True, slots=True)
class CrudPlan:
    """What a handler serves.

    Attributes:
        handler: The handler itself, for its hooks.
        models: By model; the first is the one that filts without tuples are about.
        listing: What peers may say about lists, None if they get none.
        retrieve_all: Whether asking without id gives all rows rather than a default tuple.
        max_tuples: How many tuples may be saved or deleted at once.
    """

    handler: Any
    models: tuple[ModelPlan, ...]
    listing: Listing | None
    retrieve_all: bool
    max_tuples: int

    @property
    def main(self) -> ModelPlan:
        """The first model."""
        return self.models[0]


def make_crud_plan(handler: Any) -> CrudPlan:
    """Check what a handler says, and return what it serves.

    Args:
        handler: An `OrmCrudHandler`.

    Raises:
        DefinitionError: Something is named that a model does not have, or a tuple type is taken.
    """
    main = CrudModel(
        model=handler.model,
        fields=handler.fields,
        read_only_fields=handler.read_only_fields,
        references=handler.references,
        type_name=handler.type_name,
        nested=handler.nested,
        client_keys=handler.client_keys,
        version_field=handler.version_field,
        get_queryset=handler.get_queryset,
    )
    common = (
        DefaultRowPermission(lambda: handler.payload_io.get_permission(edits_rows=True))
        if handler.permission is None
        else to_permission(handler.permission)
    )
    cruds = (main, *map(_to_crud_model, handler.more_models))
    registry = handler.payload_io.codec.registry
    models = make_plans(cruds, handler.store, registry, common, handler.extensions)
    listing = Listing(
        models[0].spec,
        filters=handler.filters,
        ordering=handler.ordering,
        default_ordering=handler.default_ordering,
        page_size=handler.page_size,
        max_page_size=handler.max_page_size,
    )
    return CrudPlan(
        handler=handler,
        models=models,
        listing=listing if handler.retrieve_all else None,
        retrieve_all=handler.retrieve_all,
        max_tuples=handler.max_tuples,
    )


def _to_crud_model(value: Any) -> CrudModel:
    if isinstance(value, CrudModel):
        return value
    raise DefinitionError(f"Expected a CrudModel, got {quoted(value)}")
