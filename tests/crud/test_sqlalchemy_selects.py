"""A statement of any shape says which rows there are: each of them once, or a clear error."""

import re
from typing import Any

import pytest
from sqlalchemy import and_, func, literal, select, text, union, union_all
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.orm import (
    aliased,
    contains_eager,
    defer,
    joinedload,
    load_only,
    raiseload,
    selectinload,
    sessionmaker,
    with_loader_criteria,
)

from django_vortex.orm.conditions import Native
from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.orm.crud.rows_handler import RowsHandler
from django_vortex.orm.sqlalchemy.tuples import install
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permission import Action, Permission
from django_vortex.routing.permissions import AllowAny
from django_vortex.routing.request import Request
from django_vortex.testing import connect
from django_vortex.tuples import TupleRegistry, tuple_type
from django_vortex.wire.codec import Codec
from tests.crud import core_tables
from tests.crud.databases import Database
from tests.crud.fixtures import FindDatabase
from tests.crud.paging_shelf import FILT, Reader
from tests.crud.sqlalchemy_tables import Project, Ticket

try:
    from sqlalchemy.dialects.postgresql import distinct_on
except ImportError:  # before 2.1
    distinct_on = None

ALL = ["a", "b", "c", "d", "e"]

other = aliased(Project)
joined = select(Project).join(Project.tickets)
ranked = select(
    Project.id, func.row_number().over(partition_by=Project.code, order_by=Project.id).label("nr")
).subquery()
few = select(Project).where(Project.name == "a")
late = select(Project).where(Project.id > 3)

SELECTS: dict[str, tuple[Any, list[str]]] = {
    "plain": (select(Project), ALL),
    "where": (select(Project).where(Project.id > 2).order_by(Project.name.desc()), ALL[2:]),
    "join": (joined, ["a", "b", "c"]),
    "outer join": (select(Project).outerjoin(Project.tickets), ALL),
    "join with a condition": (joined.where(Ticket.points > 1), ["b", "c"]),
    "join and order": (joined.order_by(Ticket.title, Ticket.id), ["a", "b", "c"]),
    "other table": (select(Project).where(Ticket.project_id == Project.id), ["a", "b", "c"]),
    "select_from": (select(Project).select_from(Ticket).join(Ticket.project), ["a", "b", "c"]),
    "distinct": (joined.distinct(), ["a", "b", "c"]),
    "distinct alone": (select(Project).distinct(), ALL),
    "distinct and limit": (joined.distinct().order_by(Project.id.desc()).limit(2), ["b", "c"]),
    "distinct and other order": (joined.distinct().order_by(Project.code), ["a", "b", "c"]),
    "limit": (select(Project).order_by(Project.id.desc()).limit(2), ["d", "e"]),
    "offset": (select(Project).order_by(Project.id).limit(2).offset(1), ["b", "c"]),
    "group": (joined.group_by(Project.id).having(func.count() > 1), ["a", "c"]),
    "columns beside": (
        select(Project, func.count(Ticket.id)).join(Project.tickets).group_by(Project.id),
        ["a", "b", "c"],
    ),
    "two classes": (select(Project, Ticket).join(Project.tickets), ["a", "b", "c"]),
    "literal beside": (select(Project, literal(1)), ALL),
    "union": (union(few, late), ["a", "d", "e"]),
    "union all": (union_all(few, select(Project)), ALL),
    "union of aliases": (union(select(other).where(other.id < 3), few), ["a", "b"]),
    "alias": (select(other).where(other.name > "c"), ["d", "e"]),
    "self join": (
        select(other).join(Project, and_(Project.code == other.code, Project.id < other.id)),
        ["b", "d", "e"],
    ),
    "self join of both": (
        select(other, Project).join(Project, Project.id < other.id),
        ["b", "c", "d", "e"],
    ),
    "subquery": (
        select(Project).join(ranked, ranked.c.id == Project.id).where(ranked.c.nr == 1),
        ["a", "c"],
    ),
    "alias of a subquery": (
        select(aliased(Project, select(Project).where(Project.id < 3).subquery())),
        ["a", "b"],
    ),
    "in": (select(Project).where(Project.id.in_(select(Ticket.project_id))), ["a", "b", "c"]),
    "any": (select(Project).where(Project.tickets.any(Ticket.points > 1)), ["b", "c"]),
    "exists": (
        select(Project).where(select(Ticket.id).where(Ticket.project_id == Project.id).exists()),
        ["a", "b", "c"],
    ),
    "joinedload": (select(Project).options(joinedload(Project.tickets)), ALL),
    "joinedload by inner join": (
        select(Project).options(joinedload(Project.tickets, innerjoin=True)),
        ALL,
    ),
    "portions": (select(Project).execution_options(yield_per=2), ALL),
    "joinedload and limit": (
        select(Project).options(joinedload(Project.tickets)).order_by(Project.id).limit(2),
        ["a", "b"],
    ),
    "contains_eager": (joined.options(contains_eager(Project.tickets)), ["a", "b", "c"]),
    "selectinload": (select(Project).options(selectinload(Project.tickets)), ALL),
    "load_only": (select(Project).options(load_only(Project.id, raiseload=True)), ALL),
    "defer": (select(Project).options(defer(Project.name, raiseload=True)), ALL),
    "raiseload": (select(Project).options(raiseload("*")), ALL),
    "text": (select(Project).where(text("crud_project.id > 3")), ["d", "e"]),
    "for update": (select(Project).with_for_update(), ALL),
    "criteria": (joined.options(with_loader_criteria(Ticket, Ticket.points > 1)), ["b", "c"]),
    "cte": (
        select(Project).where(Project.id.in_(select(select(Ticket.project_id).cte("c")))),
        ["a", "b", "c"],
    ),
    "order by another": (
        select(Project).outerjoin(Project.tickets).order_by(Ticket.title.desc()),
        ALL,
    ),
}


def distinct_by(column: Any, statement: Any) -> Any:
    """Return a statement with DISTINCT ON, as this release of SQLAlchemy has it written."""
    if distinct_on is None:
        return statement.distinct(column)
    return statement.ext(distinct_on(column))


POSTGRES_SELECTS: dict[str, tuple[Any, list[str]]] = {
    "nested union": (union(union(few, late), few), ["a", "d", "e"]),
    "distinct on": (
        distinct_by(Project.code, select(Project)).order_by(Project.code, Project.id.desc()),
        ["b", "e"],
    ),
}
T, P = core_tables.Ticket, core_tables.Project
CORE_SELECTS: dict[str, tuple[Any, list[str]]] = {
    "plain": (select(P), ALL),
    "where": (select(P).where(P.c.id > 2).order_by(P.c.name.desc()), ALL[2:]),
    "join": (select(P).join(T, T.c.project_id == P.c.id), ["a", "b", "c"]),
    "columns": (select(P.c.id).where(P.c.id > 3), ["d", "e"]),
    "columns of a join": (
        select(P.c.id, T.c.id).join(T, T.c.project_id == P.c.id),
        ["a", "b", "c"],
    ),
    "other table": (select(P).where(T.c.project_id == P.c.id), ["a", "b", "c"]),
    "distinct": (select(P).distinct(), ALL),
    "limit": (select(P).order_by(P.c.id.desc()).limit(2), ["d", "e"]),
    "group": (
        select(P.c.id)
        .join(T, T.c.project_id == P.c.id)
        .group_by(P.c.id)
        .having(func.count(T.c.id) > 1),
        ["a", "c"],
    ),
    "union": (union(select(P).where(P.c.id == 1), select(P).where(P.c.id > 3)), ["a", "d", "e"]),
    "alias": (select(P.alias("p")), ALL),
    "subquery": (select(select(P).where(P.c.id > 3).subquery()), ["d", "e"]),
}
NO_ROWS: dict[str, tuple[Any, str]] = {
    "columns": (
        select(Project.id, Project.name),
        "select Project, the class and no columns",
    ),
    "another class": (select(Ticket), "has to select Project"),
    "union of columns": (union(select(Project.id), select(Project.id)), "has to select Project"),
    "text": (text("SELECT * FROM crud_project"), "has to give a select"),
    "from_statement": (
        select(Project).from_statement(text("SELECT * FROM crud_project")),
        "has to give a select",
    ),
    "list": ([1], "has to give a select"),
}
CORE_NO_ROWS: dict[str, tuple[Any, str]] = {
    "no key": (select(P.c.name).distinct(), "has to select table.crud_project with its key"),
    "another table": (select(T), "has to select table.crud_project with its key"),
}


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, find_database: FindDatabase) -> Database:
    """Five projects: a and c have three tickets, b has one; a and b are of one code."""
    database: Database = find_database(request.param, "sqlalchemy")
    database.clear()
    for number, name in enumerate(ALL):
        database.add("project", name=name, code="x" if name in "ab" else "y")
        for title in {"a": "ttt", "b": "t", "c": "ttt"}.get(name, ""):
            database.add("ticket", title=title, project_id=number + 1, points=number + 1)
    return database


@pytest.fixture
def payload_io() -> PayloadIO:
    made = PayloadIO()
    made.bind(codec=Codec(TupleRegistry()))
    return made


def check_rows(
    payload_io: PayloadIO,
    database: Database,
    model: Any,
    statement: Any,
    expected: list[str],
    **options: Any,
) -> None:
    """See that lists, pages, single rows and saves all know the same rows."""
    options = {
        "session_factory": sessionmaker(database.engine),
        "permission": AllowAny,
        **options,
    }
    handler = OrmCrudHandler(
        FILT,
        model,
        fields=["name"],
        retrieve_all=True,
        ordering=["name", "code"],
        filters=["name__gte"],
        get_queryset=lambda request: statement,
        payload_io=payload_io,
        **options,
    )
    keys = [ALL.index(name) + 1 for name in expected]
    with connect(payload_io=payload_io) as peer:
        reader = Reader(peer)
        assert sorted(row.id for row in reader.ask(FILT).tuples) == keys
        assert reader.read("-name") == keys[::-1]
        found = reader.ask({**FILT, "where": {"name__gte": "c"}}).tuples
        assert sorted(row.name for row in found) == [name for name in expected if name >= "c"]
        for order in ("name", "-code"):
            assert reader.read_pages(order, 2) == reader.read(order)
        record = handler.plan.main.row_tuple.cls
        for key in range(1, 6):
            found = reader.ask({**FILT, "id": key}).tuples
            assert [row.id for row in found] == ([key] if key in keys else [])
            if "nested" not in options:
                reply = reader.ask(FILT, [record(id=key, name=ALL[key - 1])])
                assert (reply.result is True) is (key in keys)


@pytest.mark.parametrize("name", list(SELECTS))
def test_each_row_comes_once(payload_io: PayloadIO, database: Database, name: str) -> None:
    check_rows(payload_io, database, Project, *SELECTS[name])


@pytest.mark.parametrize(
    "name", ["join", "union", "joinedload", "load_only", "defer", "contains_eager", "raiseload"]
)
def test_each_row_comes_once_with_what_is_inside(
    payload_io: PayloadIO, database: Database, name: str
) -> None:
    nested = {"tickets": ["title"]}
    check_rows(payload_io, database, Project, *SELECTS[name], nested=nested)


@pytest.mark.parametrize("name", ["join", "distinct and limit", "union", "load_only"])
def test_each_row_comes_once_over_asynchronous_sessions(
    payload_io: PayloadIO, database: Database, name: str
) -> None:
    factory = async_sessionmaker(database.async_engine)
    check_rows(payload_io, database, Project, *SELECTS[name], session_factory=factory)


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
@pytest.mark.parametrize("name", list(POSTGRES_SELECTS))
def test_so_it_does_of_what_only_postgresql_has(
    payload_io: PayloadIO, database: Database, name: str
) -> None:
    check_rows(payload_io, database, Project, *POSTGRES_SELECTS[name])


@pytest.mark.parametrize("name", list(CORE_SELECTS))
def test_each_row_of_a_table_comes_once(
    payload_io: PayloadIO, database: Database, name: str
) -> None:
    check_rows(payload_io, database, P, *CORE_SELECTS[name])


class Busy(Permission):
    """An expression that brings another table with it."""

    def scope(self, request: Request, action: Action) -> Any:
        return Native(Ticket.project_id == Project.id)


@pytest.mark.parametrize("name", ["plain", "join", "limit"])
def test_an_expression_of_a_permission_repeats_no_row(
    payload_io: PayloadIO, database: Database, name: str
) -> None:
    statement, expected = SELECTS[name]
    expected = [name for name in expected if name in "abc"]
    check_rows(payload_io, database, Project, statement, expected, permission=Busy)


@pytest.mark.parametrize(
    ("model", "statement", "expected"),
    [(Project, *case) for case in NO_ROWS.values()]
    + [(P, *case) for case in CORE_NO_ROWS.values()],
    ids=[*NO_ROWS, *CORE_NO_ROWS],
)
def test_what_has_no_rows_is_a_clear_error(
    payload_io: PayloadIO,
    database: Database,
    model: Any,
    statement: Any,
    expected: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    handler = OrmCrudHandler(
        FILT,
        model,
        fields=["name"],
        retrieve_all=True,
        permission=AllowAny,
        session_factory=sessionmaker(database.engine),
        get_queryset=lambda request: statement,
        payload_io=payload_io,
    )
    with connect(payload_io=payload_io) as peer:
        for filt in (FILT, {**FILT, "id": 1}):
            caplog.clear()
            assert "ref" in peer.request(filt).result
            assert re.search(expected, caplog.text)
    del handler


def serve_rows(payload_io: PayloadIO, database: Database, statement: Any) -> RowsHandler:
    registry = payload_io.codec.registry
    install(registry)
    tuple_type("t.Project", fields=["id", "name"], registry=registry)(Project)
    return RowsHandler(
        FILT,
        Project,
        queryset=statement,
        session_factory=sessionmaker(database.engine),
        permission=AllowAny,
        payload_io=payload_io,
    )


@pytest.mark.parametrize("name", list(SELECTS))
def test_rows_handlers_send_each_row_once(
    payload_io: PayloadIO, database: Database, name: str
) -> None:
    statement, expected = SELECTS[name]
    handler = serve_rows(payload_io, database, statement)
    with connect(payload_io=payload_io) as peer:
        assert sorted(row.name for row in peer.request(FILT).tuples) == expected
    del handler


@pytest.mark.parametrize("name", list(NO_ROWS))
def test_rows_handlers_say_what_has_no_rows(
    payload_io: PayloadIO, database: Database, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    statement, expected = NO_ROWS[name]
    handler = serve_rows(payload_io, database, statement)
    with connect(payload_io=payload_io) as peer:
        assert "ref" in peer.request(FILT).result
    assert re.search(expected, caplog.text)
    del handler
