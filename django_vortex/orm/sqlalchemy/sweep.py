"""What the databases of SQLAlchemy's engines say of changes by themselves: `look_at_engine`.

An engine is known once it has executed something that was tracked or captured.
"""

import asyncio
from collections.abc import Collection

from sqlalchemy import BindParameter, NullPool, TextClause, bindparam, text
from sqlalchemy.engine import Connection, Engine

from django_vortex.live.looks import Look
from django_vortex.orm.postgres_counters import CLEAR, make_look, make_query
from django_vortex.orm.sqlalchemy.database_names import find_engines


def look_at_engine(database: str, tables: Collection[str]) -> Look | None:
    """Return the state of tables, None if no engine is to a database that can be asked."""
    engines = [one for one in find_engines(database) if one.dialect.name == "postgresql"]
    if not engines:
        return None
    # The connections of an async engine belong to its loop, which this thread has none of.
    for engine in engines:
        if not engine.dialect.is_async:
            with engine.connect() as connection:
                return _ask(connection, tables)
    return asyncio.run(_ask_async(engines[0], tables))


def _ask(connection: Connection, tables: Collection[str]) -> Look | None:
    connection.execute(text(CLEAR))
    return make_look(connection.execute(_make_statement(tables)).all())


async def _ask_async(engine: Engine, tables: Collection[str]) -> Look | None:
    from sqlalchemy.ext.asyncio import create_async_engine  # needs greenlet, as the engine does

    own = create_async_engine(engine.url, poolclass=NullPool)
    async with own.connect() as connection:
        return await connection.run_sync(_ask, tables)


def _make_statement(tables: Collection[str]) -> TextClause:
    names: BindParameter[list[str]] = bindparam("names", sorted(tables), expanding=True)
    return text(make_query(":names")).bindparams(names)
