"""Write changes for other processes, and read them there.

Values do not travel, only what was changed: database, table, operation, keys and columns.
"""

import json
from collections.abc import Sequence
from typing import Any

from django_vortex.exceptions import DefinitionError
from django_vortex.live.changes import Change, Operation, Table
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect


def write_changes(changes: Sequence[Change], codec: Codec) -> str:
    """Return the text of changes; keys that cannot travel are any keys there."""
    return json.dumps([_write(change, codec) for change in changes])


def read_changes(text: str, codec: Codec) -> list[Change]:
    """Return the changes that another process has written."""
    return [_read(one, codec) for one in json.loads(text)]


def _write(change: Change, codec: Codec) -> list[Any]:
    keys = columns = None
    if change.keys is not None:
        try:
            keys = codec.encode_value([list(key) for key in change.keys], Dialect.NATIVE)
        except DefinitionError:  # of a type that only this process knows
            keys = None
    if change.columns is not None:
        columns = sorted(change.columns)
    return [*change.table, change.operation.value, keys, columns, change.rows]


def _read(one: list[Any], codec: Codec) -> Change:
    database, name, operation, keys, columns, rows = one
    return Change(
        Table(database, name),
        Operation(operation),
        None if keys is None else _read_keys(keys, codec),
        None if columns is None else frozenset(columns),
        rows=rows,
    )


def _read_keys(keys: Any, codec: Codec) -> Any:
    return frozenset(tuple(key) for key in codec.decode_value(keys, Dialect.NATIVE))
