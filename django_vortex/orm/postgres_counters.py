"""What PostgreSQL counts of the writes to tables: `make_query`, `make_look`.

Rows are counted that were inserted, updated or deleted, also by transactions that were rolled back.
A TRUNCATE is not among them, but gives a table another file. Tables of all schemas that have the
same name are one here, and a partitioned table is its partitions. A view never moves: who reads it
depends on its tables as well.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django_vortex.live.looks import Look

CLEAR: Final = "SELECT pg_stat_clear_snapshot()"
"""Lets the next query see what is counted by then, also in a transaction."""

_QUERY: Final = """
SELECT c.relname::text,
    current_setting('track_counts'),
    CASE c.relkind WHEN 'v' THEN 0 ELSE
        pg_stat_get_tuples_inserted(part.relid)
        + pg_stat_get_tuples_updated(part.relid)
        + pg_stat_get_tuples_deleted(part.relid)
    END,
    part.relid::bigint,
    coalesce(pg_relation_filenode(part.relid), 0)::bigint
FROM pg_class c
CROSS JOIN LATERAL (
    SELECT c.oid AS relid UNION SELECT tree.relid FROM pg_partition_tree(c.oid) tree
) part
WHERE c.relkind IN ('r', 'p', 'm', 'v') AND c.relpersistence <> 't' AND c.relname IN {names}
"""


def make_query(names: str) -> str:
    """Return the question.

    Args:
        names: How the driver writes the names of tables, which are a parameter or several.
    """
    return _QUERY.format(names=names)


def make_look(rows: Iterable[Sequence[Any]]) -> Look | None:
    """Return what the rows of the answer say; None if the server counts nothing."""
    counts: dict[str, int] = {}
    files: dict[str, set[tuple[int, int]]] = {}
    for name, is_counting, count, table, file in rows:
        if is_counting != "on":
            return None
        counts[name] = counts.get(name, 0) + int(count)
        files.setdefault(name, set()).add((table, file))
    return Look(counts, {name: frozenset(found) for name, found in files.items()})
