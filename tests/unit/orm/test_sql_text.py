"""Every way that a text may write a table that a reader of words could overlook."""

import pytest

from django_vortex.orm.known_tables import KnownTables
from django_vortex.orm.sql_text import find_bare_name, find_text, read_sql

TABLES = ("live_team", "live_ticket", "live_label", "Mixed Case", "order", 'stock"."item', "2fa")

READ = {
    'SELECT * FROM "live_team"': {"live_team"},
    "SELECT * FROM public.live_team t": {"live_team"},
    'SELECT * FROM "public"."live_team"': {"live_team"},
    "SELECT * FROM LIVE_TEAM": {"live_team"},
    "(SELECT 1 FROM live_team) UNION (SELECT 2 FROM live_label)": {"live_team", "live_label"},
    'SELECT * FROM "Mixed Case"': {"Mixed Case"},
    "SELECT * FROM [Mixed Case]": {"Mixed Case"},
    "SELECT * FROM `Mixed Case`": {"Mixed Case"},
    "SELECT a[live_team.x] FROM live_label": {"live_team", "live_label"},
    "SELECT 'live_team' FROM live_label": {"live_label"},
    "SELECT 'it''s live_team' FROM live_label": {"live_label"},
    "SELECT $$live_team$$, $x$ live_ticket $$ $x$ FROM live_label": {"live_label"},
    "SELECT 1 /* live_team */ FROM live_label -- live_ticket": {"live_label"},
    "SELECT 1 -- live_team\nFROM live_label": {"live_label"},
    'SELECT "order"."live_team" FROM "order"': {"order", "live_team"},
    "SELECT * FROM live_label ORDER BY name": {"live_label"},
    'SELECT * FROM live_label l JOIN "order" o ON 1 = 1': {"live_label", "order"},
    "SELECT * FROM shop.order": {"order"},
    "SELECT * FROM stock.item": {"item"},
    "SELECT * FROM 2fa": {"2fa"},
    'SELECT "live_teams" FROM live_label': {"live_label"},
    "SELECT * FROM live_label WHERE x = %s AND y = %(live_team)s": {"live_label"},
    "SELECT x %live_team.y FROM live_label": {"live_team", "live_label"},
    "SELECT replace(name, 'a', 'b') FROM live_team": {"live_team"},
    "SELECT copy, load, call FROM live_team": {"live_team"},
    "SELECT * FROM live_team FOR UPDATE": {"live_team"},
    "SELECT * FROM live_team FOR NO KEY UPDATE OF live_team": {"live_team"},
    "SELECT * FROM live_team WHERE note = 'please update'": {"live_team"},
    "SELECT CASE WHEN 1 THEN 2 END FROM live_team": {"live_team"},
    "SELECT t.delete FROM live_team t": {"live_team"},
    'SELECT "delete" FROM live_team': {"live_team"},
    "EXPLAIN SELECT * FROM live_team": {"live_team"},
    "PRAGMA table_info(live_team)": {"live_team"},
    r"SELECT * FROM live_team WHERE name LIKE %s ESCAPE '\'": {"live_team"},
    "SET search_path = live_team": {"live_team"},
    "VALUES (1)": set(),
    "": set(),
}
"""Texts that read, with the tables that they name."""

WRITTEN = {
    "UPDATE live_ticket SET number = 9": {"live_ticket"},
    "update LIVE_TICKET set number = 9": {"live_ticket"},
    'INSERT INTO "Mixed Case" (name) VALUES (1)': {"Mixed Case"},
    "REPLACE INTO live_team VALUES (1)": {"live_team"},
    "WITH x AS (SELECT 1) REPLACE INTO live_team SELECT * FROM x": {"live_team"},
    "/* SELECT */ UPDATE live_ticket SET number = 9": {"live_ticket"},
    "-- SELECT\nUPDATE live_ticket SET number = 9": {"live_ticket"},
    "SELECT 1; UPDATE live_ticket SET number = 8": {"live_ticket"},
    "SELECT ';'; TRUNCATE live_ticket": {"live_ticket"},
    "WITH x AS (UPDATE live_ticket SET number = 8 RETURNING id) SELECT * FROM x": {"live_ticket"},
    "WITH x AS (SELECT a AS key) UPDATE live_ticket SET number = 8": {"live_ticket"},
    "WITH x AS (SELECT no, key FROM k) UPDATE live_ticket SET number = 8": {"live_ticket"},
    "EXPLAIN ANALYZE DELETE FROM live_ticket": {"live_ticket"},
    "EXPLAIN (ANALYZE) MERGE INTO live_ticket USING x ON 1 = 1": {"live_ticket"},
    "SELECT * INTO live_ticket FROM x": {"live_ticket"},
    "TRUNCATE live_ticket, live_label": {"live_ticket", "live_label"},
    "COPY live_team (name) FROM STDIN": {"live_team"},
    "ALTER TABLE live_team ADD COLUMN x int": {"live_team"},
    "DROP TABLE live_team": {"live_team"},
    "CLUSTER live_team": {"live_team"},
    "DO $$ BEGIN UPDATE live_ticket SET a = 1; END $$": {"live_ticket"},
    "DO LANGUAGE plpgsql 'BEGIN UPDATE live_ticket SET a = ''x''; END'": {"live_ticket"},
    "DO $$ BEGIN EXECUTE 'UPDATE live_ticket SET a = 1'; END $$": {"live_ticket"},
    "BEGIN; UPDATE live_ticket SET number = 9; COMMIT": {"live_ticket"},
    # What one database takes for the end of a literal or comment is none to another.
    r"INSERT INTO a VALUES (E'\''); UPDATE live_ticket SET b = E'\''": {"live_ticket"},
    r"SELECT '\'; UPDATE live_ticket SET a = '\'": {"live_ticket"},
    "/* a /* b */ ' */ UPDATE live_ticket SET a = ''": {"live_ticket"},
    "SELECT 5--1 FROM x; UPDATE live_ticket SET a = 1": {"live_ticket"},
    "SELECT 1 # it's\n; UPDATE live_ticket SET a = 'x'": {"live_ticket"},
    "/*! UPDATE live_ticket SET a = 1 */": {"live_ticket"},
    "UPDATE live_ticket SET a = 'x": {"live_ticket"},
    r"""UPDATE "Mixed Case" SET a = '"\'' """: {"Mixed Case"},
}
"""Texts that write, with at least the tables that they write."""


@pytest.fixture
def known() -> KnownTables:
    known = KnownTables()
    known.add(TABLES)
    return known


@pytest.mark.parametrize("text", READ)
def test_names_of_a_text_that_reads(known: KnownTables, text: str) -> None:
    assert known.find_named(text) == READ[text]
    assert known.find_written(text) == set()


@pytest.mark.parametrize("text", WRITTEN)
def test_tables_that_a_text_writes(known: KnownTables, text: str) -> None:
    assert known.find_written(text) >= WRITTEN[text]


@pytest.mark.parametrize("text", WRITTEN)
def test_text_in_capitals_writes_the_same(known: KnownTables, text: str) -> None:
    assert known.find_written(text.upper().replace("$X$", "$x$")) >= WRITTEN[text]


@pytest.mark.parametrize(
    "text",
    [
        "BEGIN",
        "begin immediate",
        "START TRANSACTION",
        "/* now */ COMMIT",
        "END",
        "ROLLBACK TO x",
        'SAVEPOINT "s"',
        "SAVEPOINT s; UPDATE live_team SET a = 1",
        "RELEASE SAVEPOINT x",
        "ABORT",
        "PREPARE TRANSACTION 'x'",
        "UPDATE live_team SET a = 1; COMMIT",
        "SELECT '\\'; COMMIT; SELECT '\\'",
    ],
)
def test_text_that_ends_a_transaction(text: str) -> None:
    assert read_sql(text).ends_transaction


@pytest.mark.parametrize(
    "text",
    ["SELECT CASE WHEN 1 THEN 2 END", "UPDATE live_team SET commit = 1", "SELECT 'COMMIT'", ""],
)
def test_text_that_ends_no_transaction(text: str) -> None:
    assert not read_sql(text).ends_transaction


def test_savepoint_with_more_behind_it_writes(known: KnownTables) -> None:
    assert known.find_written("SAVEPOINT s; UPDATE live_team SET a = 1") == {"live_team"}


def test_table_that_is_known_later_is_found(known: KnownTables) -> None:
    text = "UPDATE live_fan SET a = 1"
    assert known.find_written(text) == set()
    known.add(["live_fan"])
    assert known.find_written(text) == {"live_fan"}


def test_tables_that_differ_in_case_are_both_found(known: KnownTables) -> None:
    known.add(["Live_Team"])
    assert known.find_named('SELECT * FROM "live_team"') == {"live_team", "Live_Team"}


def test_long_text_is_read_too(known: KnownTables) -> None:
    text = "UPDATE live_team SET a = 1 WHERE b IN (%s" + ", %s" * 20_000 + ")"
    assert known.find_written(text) == {"live_team"}


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("live_team", "live_team"),
        ('stock"."item', "item"),
        ('"stock"."item"', "item"),
        ("stock`.`item", "item"),
        ('"ITEM"', "ITEM"),
        ("a.b", "a.b"),
        ('a""b', 'a"b'),
    ],
)
def test_name_without_its_schema(table: str, name: str) -> None:
    assert find_bare_name(table) == name


def test_text_of_what_a_cursor_executes() -> None:
    from psycopg import sql

    composed = sql.SQL("UPDATE {} SET a = 1").format(sql.Identifier("live_team"))
    assert find_text("SELECT 1") == "SELECT 1"
    assert find_text(b"SELECT \xff") == "SELECT \ufffd"
    assert find_text(composed) == 'UPDATE "live_team" SET a = 1'


@pytest.mark.parametrize(
    ("text", "has_source"),
    [
        ("SELECT * FROM some_view", True),
        ("SELECT 1 AS a JOIN some_view", True),
        ("WITH x AS (SELECT 1) SELECT * FROM x", True),
        ("SELECT 1", False),
        ("SELECT now()", False),
        ("SAVEPOINT x", False),
        ("SELECT * FROM pg_class", False),
        ("SELECT name FROM sqlite_master", False),
    ],
)
def test_text_that_reads_what_has_a_name(text: str, has_source: bool) -> None:
    assert read_sql(text).has_source is has_source
