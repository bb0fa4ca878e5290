"""Tables whose rows the database changes along with those of another: `find_cascades`.

Takes a table, gives those that refer to it by foreign keys which say so. Those that only the
database knows are not seen.
"""

from collections.abc import Collection, Iterator

from sqlalchemy import ForeignKey, Table

from django_vortex.live.changes import Operation

_FOLLOWS = frozenset({"CASCADE", "SET NULL", "SET DEFAULT"})


def find_cascades(
    table: Table, operation: Operation, columns: Collection[str] | None
) -> frozenset[str]:
    """Return the names of the tables in which rows may change or go with rows of this one.

    Args:
        table: The table that is written.
        operation: What is done to it.
        columns: What an update writes, None if that may be anything.
    """
    found: set[str] = set()
    waiting = [(table, columns)] if operation is not Operation.INSERT else []
    while waiting:
        one, written = waiting.pop()
        for other in _find_followers(one, operation, written):
            if other.name not in found:
                found.add(str(other.name))
                waiting.append((other, None))
    return frozenset(found)


def _find_followers(
    table: Table, operation: Operation, columns: Collection[str] | None
) -> Iterator[Table]:
    for other in list(table.metadata.tables.values()):
        keys = (one for rule in other.foreign_key_constraints for one in rule.elements)
        if any(_follows(one, table, operation, columns) for one in keys):
            yield other


def _follows(
    key: ForeignKey, table: Table, operation: Operation, columns: Collection[str] | None
) -> bool:
    # Not by its column, which may be of a table that is declared later or never.
    target, _, column = key.target_fullname.rpartition(".")
    if target != table.fullname:
        return False
    if operation is not Operation.UPDATE and (key.ondelete or "").upper() in _FOLLOWS:
        return True
    is_written = columns is None or column in {c.key for c in table.c if c.name in columns}
    return is_written and (key.onupdate or "").upper() in _FOLLOWS
