"""What a change says of the rows before it and after it: `find_before` and `find_after`.

Both give the values that a column may have, `UNKNOWN` among them if it may have any.
"""

from collections.abc import Collection, Mapping
from typing import Any

from django_vortex.live.changes import Change, Operation
from django_vortex.live.comparing import UNKNOWN


def find_before(
    change: Change, operation: Operation, column: str, key_columns: tuple[str, ...] = ()
) -> Collection[Any]:
    """Return the values that rows may have had in a column before they were changed.

    Args:
        change: The change.
        operation: As what it is looked at; not ANY.
        column: The column.
        key_columns: The columns of the primary key, if they are known.
    """
    return _find(change, operation, column, key_columns, (change.old, change.new))


def find_after(
    change: Change, operation: Operation, column: str, key_columns: tuple[str, ...] = ()
) -> Collection[Any]:
    """Return the values that rows may have in a column afterwards.

    Args:
        change: The change.
        operation: As what it is looked at; not ANY.
        column: The column.
        key_columns: The columns of the primary key, if they are known.
    """
    return _find(change, operation, column, key_columns, (change.new, change.old))


def _find(
    change: Change,
    operation: Operation,
    column: str,
    key_columns: tuple[str, ...],
    images: tuple[Mapping[str, Any], Mapping[str, Any]],
) -> Collection[Any]:
    """Return the values in the first image; the second tells those that stayed as they were."""
    asked, other = images
    value = asked.get(column, UNKNOWN)
    if value is UNKNOWN and _is_kept(change, operation, column):
        value = other.get(column, UNKNOWN)
    return [value] if value is not UNKNOWN else _find_in_keys(change, column, key_columns)


def _is_kept(change: Change, operation: Operation, column: str) -> bool:
    """Return whether rows have the same value in a column before and afterwards."""
    is_update = operation is Operation.UPDATE
    return is_update and change.columns is not None and column not in change.columns


def _find_in_keys(change: Change, column: str, key_columns: tuple[str, ...]) -> Collection[Any]:
    if change.keys is None or column not in key_columns:
        return [UNKNOWN]
    at = key_columns.index(column)
    return {key[at] if at < len(key) else UNKNOWN for key in change.keys}
