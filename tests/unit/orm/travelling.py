"""What becomes of instances of either ORM on the wire."""

from typing import Any

from django_vortex.tuples import TupleRegistry
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect


def types_of(tuples: TupleRegistry, cls: type) -> dict[str, object]:
    """Return the types of the fields of a tuple type."""
    found = tuples.get_by_class(cls)
    assert found is not None
    return {field.name: field.type for field in found.fields}


def sent(tuples: TupleRegistry, instance: object) -> dict[str, Any]:
    """Return the members of what is written for an instance."""
    written = Codec(tuples).encode_value(instance, Dialect.NATIVE)
    assert isinstance(written, dict)
    return written


def rebuilt(tuples: TupleRegistry, name: str, /, **members: Any) -> Any:
    """Return what a peer's tuple becomes."""
    return Codec(tuples).decode_value({"_ct": "rt", "_c": name, **members}, Dialect.NATIVE)
