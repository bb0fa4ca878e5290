"""What an application may give as its rows: querysets of any shape, of which each row comes once.

Takes querysets, gives such that can be narrowed down, ordered and cut into pages. Where that would
give other rows (``union()``, ``distinct("field")``, filters by a window) or a row several times
(joins to many), the rows are those whose keys the queryset has.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import models
from django.db.models.constants import LOOKUP_SEP

from django_vortex.exceptions import DefinitionError, quoted


def check_queryset(queryset: Any, model: type[models.Model]) -> models.QuerySet[Any]:
    """Return what an application gave as its rows.

    Raises:
        DefinitionError: It is something else.
    """
    label = model._meta.label
    wanted = f"get_queryset has to give a queryset of {label}"
    if isinstance(queryset, models.query.RawQuerySet):
        raise DefinitionError(
            f"{wanted}, got one of raw(), which cannot be filtered; use filter(id__in=RawSQL(...))"
        )
    if not isinstance(queryset, models.QuerySet) or not issubclass(queryset.model, model):
        raise DefinitionError(f"{wanted}, got {quoted(queryset)}")
    parts = (queryset.query, *queryset.query.combined_queries)
    fields = queryset._fields  # type: ignore[attr-defined]
    if fields is not None or any(part.values_select for part in parts):
        raise DefinitionError(
            f"{wanted}, got one with values() or values_list(), which has no rows; leave that out"
        )
    return queryset


def each_once(queryset: models.QuerySet[Any], using: str) -> models.QuerySet[Any]:
    """Return the rows of a queryset, each once and whole, as one that may be narrowed down.

    Raises:
        DefinitionError: It is sliced.
    """
    if queryset.query.is_sliced:
        raise DefinitionError(
            f"The queryset of {queryset.model._meta.label} must not be sliced, since it is "
            "narrowed down and ordered; give one filtered by the keys of the slice, pk__in=keys"
        )
    queryset = whole(queryset.using(using))
    if not (_is_closed(queryset.query) or may_repeat(queryset)):
        return queryset
    manager: Any = queryset.model._base_manager
    found: models.QuerySet[Any] = manager.using(using).filter(_has_key_of(unordered(queryset)))
    lookups: Any = queryset
    found = found.prefetch_related(*lookups._prefetch_related_lookups)
    order = queryset.query.order_by
    names = {name for field in queryset.model._meta.concrete_fields for name in _names(field)}
    if order and all(isinstance(one, str) and one.lstrip("-") in names for one in order):
        found = found.order_by(*order)
    return found


def whole(queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """Return the same rows with all fields; each of them would be asked for what is deferred."""
    is_whole = queryset.query.deferred_loading == (frozenset(), True)
    return queryset if is_whole or queryset.query.combinator else queryset.defer(None)


def for_reading(queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """Return the same rows without locking them, which has no use outside a transaction."""
    found = unordered(queryset.all())
    found.query.select_for_update = False
    return found


def with_names(queryset: models.QuerySet[Any], names: Sequence[str]) -> models.QuerySet[Any]:
    """Return a queryset that defers what it deferred, except for these fields.

    Each row would take a query for one of them.
    """
    query = queryset.query
    fields, is_deferred = query.deferred_loading
    if query.select_related is not False or query.combinator:
        return whole(queryset)
    if is_deferred:
        if not fields:
            return queryset
        return queryset.defer(None).defer(*(set(fields) - _name_both(queryset, names)))
    meta = queryset.model._meta
    return queryset.only(
        *fields, *(one.name for one in meta.concrete_fields if one.attname in names)
    )


def _name_both(queryset: models.QuerySet[Any], names: Sequence[str]) -> set[str]:
    """Return the names of fields, of foreign keys that with ``_id`` as well as that without."""
    fields = (one for one in queryset.model._meta.concrete_fields if one.attname in names)
    return {name for one in fields for name in (one.name, one.attname)}


def may_repeat(queryset: models.QuerySet[Any]) -> bool:
    """Return whether a queryset may have a row several times."""
    query = queryset.query
    if query.combinator:
        return True
    if query.extra_tables or _is_ordered_by_many(queryset) or _may_return_sets(query):
        return True
    many = {
        alias
        for alias, join in query.alias_map.items()
        if query.alias_refcount.get(alias) and _is_to_many(join)
    }
    if not many or query.group_by is None:
        return bool(many)
    return any(
        not one.contains_aggregate and many & set(_find_aliases(one))
        for one in query.annotation_select.values()
    )


class _KeysIn(models.Func):
    """Several fields of a key among those of a queryset.

    What Django makes of ``pk__in`` where it takes a database for unable to compare several columns
    (SQLite, which is able) finds all rows of a union.
    """

    output_field = models.BooleanField()
    conditional = True

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> Any:
        *fields, keys = self.get_source_expressions()
        found = [compiler.compile(field) for field in fields]
        columns = ", ".join(sql for sql, _ in found)
        inner, parameters = compiler.compile(keys)
        return f"({columns}) IN {inner}", [*(p for _, part in found for p in part), *parameters]


def _has_key_of(queryset: models.QuerySet[Any]) -> Any:
    names = [field.attname for field in queryset.model._meta.pk_fields]
    if len(names) == 1:
        return models.Q(pk__in=queryset.values("pk"))
    # Of several columns Django cannot tell a type, and some versions ask for one.
    keys = models.Subquery(queryset.values(*names), output_field=models.BooleanField())
    return models.Q(_KeysIn(*map(models.F, names), keys))


def unordered(queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """Return a queryset whose parts have no order, which means nothing and SQLite refuses."""
    if not queryset.query.combinator:
        return queryset
    queryset = queryset.all()
    query: Any = queryset.query
    query.combined_queries = tuple(part.clone() for part in query.combined_queries)
    for part in query.combined_queries:
        part.clear_ordering(clear_default=True)
    return queryset


def _is_closed(query: Any) -> bool:
    """Return whether a condition or order that is added would change which rows there are."""
    return bool(
        query.combinator
        or query.distinct_fields
        or getattr(query.where, "contains_over_clause", False)
    )


def _may_return_sets(query: Any) -> bool:
    """Return whether a function such as ``unnest()`` makes several rows of one."""
    return any(
        getattr(part, "set_returning", False)
        for one in query.annotation_select.values()
        for part in one.flatten()
    )


def _is_to_many(join: Any) -> bool:
    field = getattr(join, "join_field", None)
    return field is not None and bool(field.one_to_many or field.many_to_many)


def _is_ordered_by_many(queryset: models.QuerySet[Any]) -> bool:
    query, meta = queryset.query, queryset.model._meta
    if query.extra_order_by:
        return False
    order = query.order_by or (meta.ordering if query.default_ordering else ())
    return any(_is_of_many(query, meta, name) for one in order for name in _find_names(one))


def _find_names(order: Any) -> Iterator[str]:
    """Yield what an item of an order names, expressions included."""
    if isinstance(order, str):
        yield order.lstrip("-+")
    elif isinstance(order, models.F):
        yield vars(order)["name"]
    elif hasattr(order, "get_source_expressions"):
        for part in order.get_source_expressions():
            yield from _find_names(part)


def _is_of_many(query: Any, meta: Any, name: str) -> bool:
    if name in query.annotations:
        return False
    try:
        path, *_ = query.names_to_path(name.split(LOOKUP_SEP), meta)
    except (FieldDoesNotExist, FieldError):
        return False  # "?", say
    return any(part.m2m for part in path)


def _find_aliases(expression: Any) -> Iterator[str]:
    alias = getattr(expression, "alias", None)
    if isinstance(alias, str):
        yield alias
    for part in expression.get_source_expressions():
        if part is not None:
            yield from _find_aliases(part)


def _names(field: Any) -> tuple[str, str, str]:
    return field.name, field.attname, "pk"
