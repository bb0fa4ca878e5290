"""Which Django rows exist for a request, those inside of others too.

Takes a shape and a scope, gives querysets.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.exceptions import FieldError
from django.db import models

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.django.conditions import filter_rows
from django_vortex.orm.django.shapes import check_queryset, each_once, for_reading, with_names
from django_vortex.orm.guarded_rows import NO_ROWS, waiting_name
from django_vortex.orm.model_spec import Shape
from django_vortex.orm.store import Scope


def narrow(shape: Shape, scope: Scope, using: str, *, is_one: bool = False) -> Any:
    """Return the queryset of the rows in a scope.

    Args:
        shape: What is read of each.
        scope: Which there are.
        using: The alias of the database.
        is_one: Whether they are the one related row of each, which Django reads through the base
            manager: what refers to it must not find nothing. All others are those of the default
            manager, which hides deleted ones, say.

    Raises:
        DefinitionError: What the application gave as its rows cannot be that.
    """
    queryset, model = scope.queryset, shape.spec.model
    if queryset is None:
        queryset = (model._base_manager if is_one else model._default_manager).all()
    queryset = check_queryset(queryset, model)
    if scope.is_final:
        using = queryset.db
        queryset = for_reading(queryset)
        if scope.condition is None:
            return with_names(queryset, shape.names)
    queryset = each_once(queryset, using)
    if scope.condition is None:
        return queryset
    try:
        return filter_rows(queryset, scope.condition)
    except FieldError as error:
        raise DefinitionError(f"Scope of {shape.spec.label}: {error}") from error


def find_prefetches(shape: Shape, scope: Scope, using: str) -> Iterator[Any]:
    """Yield what loads the related rows of a shape, with one statement per relation."""
    model = shape.spec.model
    for name in shape.names:
        if shape.spec.fields[name].is_many:
            target = model._meta.get_field(name).remote_field.model
            yield models.Prefetch(name, target._default_manager.using(using).only("pk"))
    for name, inner in shape.nested.items():
        is_guarded = name in shape.guarded
        inside = scope.nested.get(name, NO_ROWS) if is_guarded else Scope()
        is_one = not shape.spec.relations[name].is_many
        queryset = narrow(inner, inside, using, is_one=is_one)
        queryset = queryset.prefetch_related(*find_prefetches(inner, inside, using))
        yield models.Prefetch(name, queryset, to_attr=waiting_name(name) if is_guarded else None)


def add_prefetches(queryset: models.QuerySet[Any], related: Sequence[Any]) -> models.QuerySet[Any]:
    """Let a queryset load related rows, in place of what an application says of the same relation.

    A ``Prefetch`` of its own that chooses rows stays, since it says which there are.
    """
    known: Any = queryset
    theirs: dict[str, Any] = {_path(one): one for one in known._prefetch_related_lookups}
    if not theirs:
        return queryset.prefetch_related(*related)
    chosen = {path for path, one in theirs.items() if getattr(one, "queryset", None) is not None}
    ours = [one for one in related if _path(one) not in chosen]
    rest = [one for path, one in theirs.items() if path not in {_path(one) for one in ours}]
    return queryset.prefetch_related(None).prefetch_related(*ours, *rest)


def _path(lookup: Any) -> str:
    return str(getattr(lookup, "prefetch_to", lookup))
