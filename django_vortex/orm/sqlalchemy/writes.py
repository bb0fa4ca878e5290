"""What a compiled statement writes: `find_writes`, `WritePlan`.

Takes what SQLAlchemy has compiled, gives once for all of its executions what can be known of it:
its own table, tables that are written within it or by cascades, and raw texts. It is kept as long
as SQLAlchemy keeps what it has compiled.
"""

from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Table, TableClause, TextClause
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import visitors
from sqlalchemy.sql.compiler import DDLCompiler, SQLCompiler
from sqlalchemy.sql.dml import UpdateBase

from django_vortex.live.changes import Operation
from django_vortex.orm.sqlalchemy.cascades import find_cascades
from django_vortex.orm.sqlalchemy.main_writes import MainWrite
from django_vortex.orm.sqlalchemy.statement_columns import plan_main_write


@dataclass(frozen=True, slots=True)
class WritePlan:
    """What every execution of a statement may write.

    Attributes:
        main: The statement itself, where it is an INSERT, UPDATE or DELETE of one table.
        tables: What else is written, in ways that are not known.
        texts: Raw texts in it, which may write what they name.
    """

    main: MainWrite | None
    tables: frozenset[str]
    texts: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.main is not None or bool(self.tables or self.texts)


NO_WRITES: Final = WritePlan(None, frozenset(), ())

_plans: WeakKeyDictionary[Any, WritePlan] = WeakKeyDictionary()


def find_writes(compiled: Any, dialect: Dialect) -> WritePlan:
    """Return what a compiled statement writes."""
    plan = _plans.get(compiled)
    if plan is None:
        plan = _plans[compiled] = _plan(compiled, dialect)
    return plan


def _plan(compiled: Any, dialect: Dialect) -> WritePlan:
    if isinstance(compiled, DDLCompiler):
        return WritePlan(None, frozenset(), (str(compiled),))
    if not isinstance(compiled, SQLCompiler):
        return NO_WRITES
    statement = compiled.statement
    main: MainWrite | None = None
    tables: set[str] = set()
    texts = []
    for part in visitors.iterate(statement) if statement is not None else ():
        if isinstance(part, TextClause):
            texts.append(part.text)
        elif part is statement and isinstance(part, UpdateBase):
            main = plan_main_write(compiled, dialect)
            if main is None:
                tables |= _find_tables(part)
            elif isinstance(part.table, Table):
                tables |= find_cascades(part.table, main.operation, main.columns)
        elif isinstance(part, UpdateBase):
            tables |= _find_tables(part)
    return WritePlan(main, frozenset(tables), tuple(texts))


def _find_tables(statement: UpdateBase) -> frozenset[str]:
    """Return all tables of a statement that is not looked into, of which it writes one or more."""
    parts = (*visitors.iterate(statement), *visitors.iterate(statement.table))
    named = {part for part in parts if isinstance(part, TableClause)}
    declared = (table for table in named if isinstance(table, Table))
    followers = (find_cascades(table, Operation.ANY, None) for table in declared)
    return frozenset(str(table.name) for table in named).union(*followers)
