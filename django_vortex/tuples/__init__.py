"""What is carried: tuples, their fields, their registry and selectors.

Takes class definitions, gives field lists and instances. Imports no other room of the package.
"""

from django_vortex.tuples.adapters import Construction, TupleAdapter
from django_vortex.tuples.base import Tuple
from django_vortex.tuples.fields import FieldSpec, TupleField
from django_vortex.tuples.generic import GenericTuple
from django_vortex.tuples.presence import (
    get_present_fields,
    mark_present_fields,
    mark_unknown_fields,
    present_fields,
    unknown_fields,
)
from django_vortex.tuples.register_value import register_value
from django_vortex.tuples.registry import TupleRegistry, TupleType, registry, tuple_type
from django_vortex.tuples.selector import TupleSelector
from django_vortex.tuples.values import Field

__all__ = [
    "Construction",
    "Field",
    "FieldSpec",
    "GenericTuple",
    "Tuple",
    "TupleAdapter",
    "TupleField",
    "TupleRegistry",
    "TupleSelector",
    "TupleType",
    "get_present_fields",
    "mark_present_fields",
    "mark_unknown_fields",
    "present_fields",
    "register_value",
    "registry",
    "tuple_type",
    "unknown_fields",
]
