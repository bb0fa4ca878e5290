"""Lists that peers ask for: which rows, in which order, which page of them.

Takes the keys ``where``, ``order``, ``limit`` and ``after`` of a filt, gives conditions and orders
of declared fields only. Where a page begins `cursors` reads.
"""

import decimal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django_vortex.exceptions import (
    DefinitionError,
    MalformedMessage,
    ValidationError,
    WireError,
    quoted,
    with_path,
)
from django_vortex.orm.conditions import (
    Comparison,
    Condition,
    UnfitOperand,
    all_of,
    to_comparison,
)
from django_vortex.orm.crud.cursors import behind, read_cursor
from django_vortex.orm.crud.fields import get_field
from django_vortex.orm.model_spec import ModelSpec
from django_vortex.orm.store import Order, RefusedByDatabase
from django_vortex.tuples import Tuple, TupleField
from django_vortex.tuples.registry import add_built_in
from django_vortex.typedefs import Filt
from django_vortex.wire.codec import Codec
from django_vortex.wire.type_checks import Check, make_check

LIST_KEYS = ("where", "order", "limit", "after")
"""What a filt may say about a list."""

MAX_OPERANDS = 1000
"""How many values ``in`` may have."""

_TEXT_LOOKUPS = frozenset(
    {"contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "iexact"}
)

_NEVER_TEXT = (bytes, list, tuple, set, dict)


class Page(Tuple):
    """What stands behind the rows of a page, when the peer asked for one."""

    next: str | None = TupleField(str)
    """What to say as ``after`` for the next page; None if there is none."""

    count: int = TupleField(int, default=0)
    """How many rows stand before."""


add_built_in("vortex.Page", Page)


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a peer asked for, checked."""

    where: Condition | None
    order: tuple[Order, ...]
    limit: int | None
    is_paged: bool

    @property
    def fetch(self) -> int | None:
        """How many rows to fetch: one more than asked for tells whether there is another page."""
        return None if self.limit is None else self.limit + 1

    def behind(self, place: Sequence[Any]) -> Condition | None:
        """Return the condition of the rows behind a place, as of `Rows.place`."""
        return all_of([self.where, behind(self.order, place)])


ALL_ROWS = ListQuery(None, (), None, is_paged=False)
"""What asks for everything, in the order of the application."""


class Listing:
    """What a handler lets peers ask for.

    Args:
        spec: The model.
        filters: Fields with look-ups, as ``due__lt``; a bare field is ``exact``.
        ordering: Fields peers may order by.
        default_ordering: The order if a peer names none, ``-due`` for descending; else the key.
        page_size: The length of a page if a peer names none; None is all rows.
        max_page_size: The longest page.

    Raises:
        DefinitionError: A field that the model does not have, or one that cannot be ordered by.
    """

    def __init__(
        self,
        spec: ModelSpec,
        *,
        filters: Sequence[str] = (),
        ordering: Sequence[str] = (),
        default_ordering: Sequence[str] = (),
        page_size: int | None = None,
        max_page_size: int = 1000,
    ) -> None:
        self._spec = spec
        self._filters = {name: _make_operand_check(spec, name) for name in filters}
        for name in (*ordering, *(name.removeprefix("-") for name in default_ordering)):
            field = get_field(spec, name, "ordering")
            if field.is_many:
                raise DefinitionError(f"{spec.label}.{name} is a list, nothing to order by")
            if field.raw or not field.is_ordered:
                raise DefinitionError(
                    f"Cannot order by {spec.label}.{name}: databases have no order of such values"
                )
        self._ordering = frozenset(ordering)
        self._default = tuple(default_ordering)
        self._page_size = page_size
        self._max_page_size = max_page_size

    def read(self, filt: Filt, codec: Codec) -> ListQuery:
        """Read what a peer asks for.

        Raises:
            ValidationError: Something undeclared, or a value that cannot be.
        """
        order = self._read_order(filt.get("order"))
        limit = self._read_limit(filt.get("limit"))
        where = self._read_where(filt.get("where"))
        after = filt.get("after")
        if after is not None:
            where = all_of([where, behind(order, read_cursor(after, order, codec))])
        is_paged = filt.get("limit") is not None or after is not None
        return ListQuery(where, order, limit, is_paged)

    def refuse_where(self, where: Any, error: RefusedByDatabase | UnfitOperand) -> ValidationError:
        """Return the error for values that only the database has found to be none.

        Args:
            where: What the peer has sent, checked.
            error: Of the database, which does not say which of them it was, or of its store.
        """
        names, text = list(where), str(error.args[0]) or "The database cannot compare this"
        if isinstance(error, UnfitOperand):
            names = [name for name in names if _is_named(name, error.comparison)] or names
            text = error.reason
        said = with_path(f"{', '.join(names)}: {text}", "filt.where")
        told = [{"index": None, "field": name, "messages": [said]} for name in names]
        return ValidationError(said, told)

    def _read_where(self, where: Any) -> Condition | None:
        if where is None:
            return None
        if not isinstance(where, Mapping):
            raise _refusal("where", f"Expected a dict, got {quoted(where)}")
        comparisons = []
        for name, value in where.items():
            check = self._filters.get(name) if isinstance(name, str) else None
            if check is None:
                raise _refusal("where", f"{quoted(name)} is nothing to filter by", self._filters)
            comparison = to_comparison(name, value)
            operand = _check_operand(check, comparison, name)
            comparisons.append(Comparison(comparison.field, comparison.lookup, operand))
        return all_of(comparisons)

    def _read_order(self, order: Any) -> tuple[Order, ...]:
        wanted = self._default if order is None else self._check_order(order)
        named = {name.removeprefix("-") for name in wanted}
        behind = (name for name in self._spec.key_names if name not in named)
        orders = {name.removeprefix("-"): self._make_order(name) for name in (*wanted, *behind)}
        return tuple(orders.values())

    def _check_order(self, order: Any) -> tuple[str, ...]:
        wanted = [order] if isinstance(order, str) else _listed(order, "order")
        for name in wanted:
            if not isinstance(name, str) or name.removeprefix("-") not in self._ordering:
                text = f"{quoted(name)} is nothing to order by"
                raise _refusal("order", text, self._ordering)
        return tuple(wanted)

    def _make_order(self, name: str) -> Order:
        bare = name.removeprefix("-")
        # What the model says of NULL counts for keys alone: tables that others made may differ.
        return Order(bare, name != bare, is_nullable=bare not in self._spec.key_names)

    def _read_limit(self, limit: Any) -> int | None:
        if limit is None:
            return self._page_size
        if isinstance(limit, bool) or not isinstance(limit, int):
            raise _refusal("limit", f"Expected `int`, got {quoted(limit)}")
        if not 1 <= limit <= self._max_page_size:
            raise _refusal("limit", f"Expected 1 to {self._max_page_size}, got {quoted(limit)}")
        return limit


def _make_operand_check(spec: ModelSpec, name: str) -> Check:
    comparison = to_comparison(name, None)
    field = get_field(spec, comparison.field, "filters")
    if field.is_many or field.raw:
        raise DefinitionError(f"{spec.label}.{field.name} is nothing to filter by")
    if comparison.lookup != "isnull" and not field.is_comparable:
        raise DefinitionError(f"Cannot filter by {name}, only by {field.name}__isnull")
    if comparison.lookup in _TEXT_LOOKUPS and not (field.has_text and _may_be_text(field.type)):
        raise DefinitionError(
            f"Cannot filter by {name}: {spec.label}.{field.name} has no text to be looked at"
        )
    if comparison.lookup == "isnull":
        kind: Any = bool
    else:
        kind = str if comparison.lookup in _TEXT_LOOKUPS else field.type
    check = make_check(kind) or (lambda value: value)
    return _make_number_check(check) if kind is decimal.Decimal else check


def _may_be_text(kind: Any) -> bool:
    return kind is None or (isinstance(kind, type) and not issubclass(kind, _NEVER_TEXT))


def _make_number_check(check: Check) -> Check:
    """Take no signaling NaN, which nothing can be compared with; databases hold others or not."""

    def check_number(value: Any) -> Any:
        checked = check(value)
        if isinstance(checked, decimal.Decimal) and checked.is_snan():
            raise MalformedMessage(f"Expected a number, got {quoted(value)}", "")
        return checked

    return check_number


def _check_operand(check: Check, comparison: Comparison, name: str) -> Any:
    value, lookup = comparison.value, comparison.lookup
    try:
        if lookup in ("in", "range"):
            return _check_operands(check, lookup, value, name)
        checked = None if value is None else check(value)
    except WireError as error:
        raise refuse_operand(name, f"{name}: {error.text}") from None
    if checked is None and lookup != "exact":  # "" of released clients is None as well
        raise refuse_operand(name, f"{name} cannot be None")
    return checked


def _check_operands(check: Check, lookup: str, value: Any, name: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise refuse_operand(name, f"{name}: Expected a list, got {quoted(value)}")
    if lookup == "range" and len(value) != 2:
        raise refuse_operand(name, f"{name} takes two values, got {quoted(value)}")
    if len(value) > MAX_OPERANDS:
        raise refuse_operand(name, f"{name} takes at most {MAX_OPERANDS} values")
    checked = [None if one is None else check(one) for one in value]
    if lookup == "range" and None in checked:
        raise refuse_operand(name, f"{name} cannot be None")
    return [one for one in checked if one is not None]  # which nothing equals


def _is_named(name: str, comparison: Comparison) -> bool:
    """Return whether a look-up became a comparison; ``range`` became two."""
    found = to_comparison(name, None)
    return found.field == comparison.field and found.lookup in (comparison.lookup, "range")


def refuse_operand(name: str, text: str) -> ValidationError:
    """Return the error for a value that a field cannot be compared with."""
    text = with_path(text, "filt.where")
    return ValidationError(text, [{"index": None, "field": name, "messages": [text]}])


def _listed(value: Any, key: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise _refusal(key, f"Expected a list, got {quoted(value)}")
    return list(value)


def _refusal(key: str, text: str, known: Iterable[str] = ()) -> ValidationError:
    declared = ", ".join(sorted(known))
    hint = f". Declared are: {declared}" if declared else ""
    return ValidationError(with_path(f"{text}{hint}", f"filt.{key}"))
