"""The canonical text of values: equal values give equal texts, on every peer that computes one.

Takes values as a selector holds them, gives compact ASCII JSON with sorted keys, field-encoded as
PROTOCOL 4.2 says. The text is an identity; nobody decodes it.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django_vortex.exceptions import DefinitionError, UnencodableValue, quoted
from django_vortex.tuples.registry import TupleRegistry
from django_vortex.tuples.scalars import SCALAR_TEXTS


def canonical_text(value: object, registry: TupleRegistry) -> str:
    """Return the canonical text of a value.

    Keys of dicts count by their text, as they do after a journey through JSON: ``{5: 1}`` and
    ``{"5": 1}`` are the same selector.

    Raises:
        DefinitionError: The value holds something that cannot travel.
    """
    if type(value) is not value.__class__:
        return canonical_text(registry.stand_ins.resolve(value), registry)
    if isinstance(value, enum.Enum):
        return canonical_text(value.value, registry)
    if value is None or isinstance(value, (bool, float, str)):
        return json.dumps(value)
    if isinstance(value, int):
        return f'{{"_fd":{_int_text(value)},"_ft":"int"}}'
    if isinstance(value, Mapping):
        return _write_members([(_key_text(key), item) for key, item in value.items()], registry)
    if isinstance(value, (list, tuple)):
        return f"[{','.join(canonical_text(item, registry) for item in value)}]"
    if isinstance(value, (set, frozenset)):
        return f"[{','.join(sorted(canonical_text(item, registry) for item in value))}]"
    for kind, (name, write) in SCALAR_TEXTS.items():
        if isinstance(value, kind):
            return f'{{"_fd":{json.dumps(write(value))},"_ft":"{name}"}}'
    tuple_type = registry.get_by_class(type(value))
    if tuple_type is None:
        try:
            found = registry.stand_ins.resolve(value)
        except UnencodableValue:
            raise DefinitionError(f"A selector cannot hold {quoted(value)}") from None
        return canonical_text(found, registry)
    members: list[tuple[str, Any]] = [("_ct", "rt"), ("_c", tuple_type.name)]
    for field in tuple_type.fields:
        read = field.read
        members.append((field.name, getattr(value, field.name) if read is None else read(value)))
    return _write_members(members, registry)


def _write_members(members: Iterable[tuple[str, Any]], registry: TupleRegistry) -> str:
    written = sorted((json.dumps(key), canonical_text(item, registry)) for key, item in members)
    return "{" + ",".join(f"{key}:{item}" for key, item in written) + "}"


def _int_text(value: int) -> str:
    try:
        return str(int(value))
    except ValueError:  # more digits than Python writes in decimal
        return hex(value)


def _key_text(key: object) -> str:
    """Return the text that JSON makes of a key."""
    if isinstance(key, str):
        return str(key)
    if isinstance(key, int) and not isinstance(key, bool):
        return _int_text(key)
    if key is None or isinstance(key, (bool, int, float)):
        return json.dumps(key)
    return str(key)
