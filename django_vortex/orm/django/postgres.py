"""How the values of ``django.contrib.postgres`` travel.

Takes a field, gives a `Kind`. Arrays are lists; an hstore is a dict of texts; a range is a dict
with ``lower``, ``upper`` and ``bounds`` (``"[)"``), an empty one ``{"empty": True}``, as Django
itself serializes them. What text search has computed travels as text.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField, HStoreField
from django.contrib.postgres.fields.ranges import RangeField
from django.contrib.postgres.search import SearchQueryField, SearchVectorField
from django.core.exceptions import ValidationError
from django.db.backends.postgresql.psycopg_any import Range

from django_vortex.orm.django.kind import Convert, Kind

BOUNDS = frozenset({"[)", "(]", "()", "[]"})


def get_kind(field: Any, get_inner: Callable[[Any], Kind]) -> Kind | None:
    """Return how the values of a field travel, None for a field of another package.

    Args:
        field: The field of a model.
        get_inner: Returns the kind of the field that an array or a range consists of.
    """
    if isinstance(field, ArrayField):
        return _make_array_kind(get_inner(field.base_field))
    if isinstance(field, RangeField):
        return _make_range_kind(field, get_inner(field.base_field))
    if isinstance(field, HStoreField):
        if not apps.is_installed("django.contrib.postgres"):
            return Kind(
                raw=True,
                refusal="is an HStoreField; add 'django.contrib.postgres' to INSTALLED_APPS",
            )
        # Not a dict, or else released clients would read the key "1" as a number.
        return Kind(raw=True, to_model=_to_store)
    if isinstance(field, SearchVectorField | SearchQueryField):
        return Kind(str, is_read_only=True, is_comparable=False)
    return None


def _make_array_kind(inner: Kind) -> Kind:
    if inner.refusal:
        return Kind(refusal=inner.refusal)
    to_wire, to_model = _for_each(inner.to_wire), _for_each(inner.to_model)
    if inner.raw:
        return Kind(raw=True, to_wire=to_wire, to_model=to_model or _to_list)
    item: Any = None if inner.type is None else inner.type | None
    kind: Any = list if item is None else list[item]
    return Kind(kind, to_wire=to_wire, to_model=to_model, is_ordered=inner.is_ordered)


def _for_each(convert: Convert | None) -> Convert | None:
    if convert is None:
        return None

    def convert_each(values: Any) -> Any:
        if hasattr(_to_list(values), "resolve_expression"):
            return values
        return [None if value is None else convert(value) for value in values]

    return convert_each


def _to_list(value: Any) -> Any:
    if not (isinstance(value, list | tuple) or hasattr(value, "resolve_expression")):
        raise ValidationError("Expected a list")
    return value


def _to_store(value: Any) -> Any:
    if not (isinstance(value, dict) or hasattr(value, "resolve_expression")):
        raise ValidationError("Expected an object of texts")
    return value


def _make_range_kind(field: Any, inner: Kind) -> Kind:
    to_end = inner.to_model

    def to_model(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        if value == {"empty": True}:
            return field.range_type(empty=True)
        if not value.keys() <= {"lower", "upper", "bounds"}:
            raise ValidationError("A range has lower, upper and bounds, or is empty")
        bounds = value.get("bounds", "[)")
        ends = [value.get("lower"), value.get("upper")]
        if bounds not in BOUNDS or any(isinstance(end, bool | str) for end in ends):
            raise ValidationError("This is no range of such values")
        if to_end is not None:
            ends = [None if end is None else to_end(end) for end in ends]
        if None not in ends and not _are_in_order(*ends):
            raise ValidationError("The lower end of a range is above the upper one")
        return field.range_type(*ends, bounds)

    part: Any = inner.type | str | bool | None
    return Kind(dict[str, part], to_wire=_spell_range, to_model=to_model)


def _spell_range(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Range):
        return value  # type: ignore[no-any-return]  # what came, in an instance that is a tuple
    if value.isempty:
        return {"empty": True}
    return {"lower": value.lower, "upper": value.upper, "bounds": value.bounds}


def _are_in_order(lower: Any, upper: Any) -> bool:
    try:
        return bool(lower <= upper)
    except ArithmeticError:  # a Decimal that is no number
        return False
