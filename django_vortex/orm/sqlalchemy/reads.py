"""What an evaluation reads through SQLAlchemy: `note_reads`.

Takes each execution while a recorder is current, after it ran or failed; gives a `Dependency` for
each table that it names, with what its WHERE asks of rows and the keys of the rows that it gave.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Any

from sqlalchemy.engine.cursor import CursorFetchStrategy, FullyBufferedCursorFetchStrategy

from django_vortex.live.changes import Table
from django_vortex.live.dependencies import Dependency
from django_vortex.live.recording import Recorder
from django_vortex.orm import reads
from django_vortex.orm.known_tables import known_tables
from django_vortex.orm.sql_text import find_text
from django_vortex.orm.sqlalchemy.read_plans import NO_READS, ReadPlan, find_reads


def fetch_rows(context: Any, result: Any) -> Sequence[Sequence[Any]] | None:
    """Return the rows of an execution where their keys say something, and keep them for it.

    Raises:
        DBAPIError: What the application would get with the first row.
    """
    if context.compiled is None or not find_reads(context.compiled).wants_rows:
        return None
    strategy = result.cursor_strategy
    if type(strategy) is not CursorFetchStrategy:  # a stream, or rows that were fetched
        return None
    try:
        rows = list(result.cursor.fetchall())
    except Exception as error:
        strategy.handle_exception(result, result.cursor, error)
    result.cursor_strategy = FullyBufferedCursorFetchStrategy(result.cursor, None, rows)
    return rows


def note_reads(
    recorder: Recorder, database: str, context: Any, rows: Sequence[Sequence[Any]] | None
) -> None:
    """Note what an execution has read.

    Args:
        recorder: Who listens.
        database: The name of the database.
        context: The execution.
        rows: What it gave, None if that was not looked at.
    """
    compiled = context.compiled
    plan = NO_READS if compiled is None else find_reads(compiled)
    text = find_text(context.statement, context.cursor)
    found = []
    if len(context.compiled_parameters if compiled is not None else ()) == 1:
        found = list(_find_dependencies(plan, database, context, rows))
    found_names = {one.table.name for one in found}
    found += [Dependency(Table(database, name)) for name in sorted(plan.tables - found_names)]
    reads.note_reads(recorder, database, text, found, partial(_fetch, context))


def _fetch(context: Any, query: str) -> list[Any]:
    """Return the rows of a query that nobody else hears of."""
    with closing(context.root_connection.connection.cursor()) as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def note_all(recorder: Recorder, database: str) -> None:
    """Note that everything may have been read, since it is not known what was."""
    recorder.reads += [Dependency(Table(database, name)) for name in known_tables.find_all()]


def _find_dependencies(
    plan: ReadPlan, database: str, context: Any, rows: Sequence[Sequence[Any]] | None
) -> Iterator[Dependency]:
    [parameters] = context.compiled_parameters
    expansions = getattr(context, "_expanded_parameters", None) or {}
    for source in plan.sources:
        table = Table(database, source.name)
        equalities = source.find_equalities(parameters, expansions)
        if plan.keys is None:
            yield Dependency(table, equalities, key_columns=source.key_columns)
        else:
            keys = None if rows is None else plan.keys.find_keys(rows)
            yield Dependency(
                table,
                equalities,
                keys,
                None if keys is None else plan.keys.deciding,
                plan.keys.columns,
                source.key_columns,
            )
