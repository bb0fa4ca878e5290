"""Writes by SQL texts are told as any row of the tables that they name."""

import json
from pathlib import Path

import pytest
from django.core import management
from django.db import DatabaseError
from psycopg import sql

from django_vortex.live.changes import Operation
from tests.live.django_models import Ticket
from tests.live.django_place import Place

TICKETS = "live_ticket"

BUMP = """
CREATE FUNCTION bump() RETURNS int LANGUAGE sql AS 'UPDATE live_ticket SET number = 8 RETURNING 1'
"""


def test_update(place: Place) -> None:
    with place.watched(whole=TICKETS) as told:
        place.execute("UPDATE live_ticket SET number = %s", [9])
    [change] = told.changes
    assert change.operation is Operation.ANY


def test_with_a_comment_first(place: Place) -> None:
    with place.watched(whole=TICKETS):
        place.execute("/* SELECT */ UPDATE live_ticket SET number = 9")


def test_quoted_name(place: Place) -> None:
    with place.watched(whole="order live_team", extra="live_team"):
        place.execute('UPDATE "order" SET live_team = 9')


def test_of_several_tables(place: Place) -> None:
    with place.watched(whole=f"{TICKETS} live_team", extra="live_team"):
        place.execute(
            "UPDATE live_ticket SET number = 9 WHERE team_id IN (SELECT id FROM live_team)"
        )


def test_select_is_not_told(place: Place) -> None:
    with place.watched() as told:
        place.execute("SELECT replace(title, 'a', 'b') FROM live_ticket")
        place.execute("EXPLAIN SELECT * FROM live_ticket")
        place.execute("SELECT 1 FROM live_ticket WHERE title = 'update live_ticket'")
    assert not told.tellings


def test_select_for_update_is_not_told(on_postgres: Place) -> None:
    with on_postgres.watched(), on_postgres.atomic():
        ticket = Ticket.objects.select_for_update().earliest("pk")
        list(Ticket.objects.select_for_update(no_key=True, of=["self"]))
        ticket.number = 42
        ticket.save()


def test_returning(place: Place) -> None:
    with place.watched(whole=TICKETS), place.connection.cursor() as cursor:
        cursor.execute("UPDATE live_ticket SET number = 9 RETURNING id, number")
        assert cursor.fetchone() == (1, 9)
        assert cursor.fetchmany(2) == [(2, 9), (3, 9)]
        assert cursor.fetchall() == [(4, 9), (5, 9)]
        assert cursor.fetchone() is None
        cursor.execute("SELECT id FROM live_ticket ORDER BY id")
        assert list(cursor)[-1] == (5,)


def test_returning_is_iterated(place: Place) -> None:
    with place.watched(whole=TICKETS), place.connection.cursor() as cursor:
        cursor.execute("UPDATE live_ticket SET number = 9 RETURNING id")
        assert [row[0] for row in cursor] == [1, 2, 3, 4, 5]
        assert cursor.description[0][0] == "id"


def test_returning_into_a_raw_queryset(place: Place) -> None:
    with place.watched(whole=TICKETS):
        rows = list(Ticket.objects.raw("UPDATE live_ticket SET number = 6 RETURNING *"))
    assert [row.number for row in rows] == [6] * 5


def test_executemany(place: Place) -> None:
    with place.watched(whole=TICKETS), place.connection.cursor() as cursor:
        cursor.executemany("UPDATE live_ticket SET number = %s WHERE id = %s", [(50, 1), (51, 2)])


def test_executemany_that_fails_halfway(place: Place) -> None:
    """On SQLite what came before the failure stays."""
    extra = "live_team" if place.is_postgres else ""
    with (
        place.watched(whole="live_team", extra=extra),
        place.connection.cursor() as cursor,
        pytest.raises(DatabaseError),
    ):
        cursor.executemany("INSERT INTO live_team (name) VALUES (%s)", [("h",), ("a",)])


def test_cte_that_writes(on_postgres: Place) -> None:
    with on_postgres.watched(whole=TICKETS):
        on_postgres.execute(
            "WITH x AS (UPDATE live_ticket SET number = 8 RETURNING id) SELECT * FROM x"
        )


def test_two_statements(on_postgres: Place) -> None:
    with on_postgres.watched(whole=TICKETS):
        on_postgres.execute("SELECT 1; UPDATE live_ticket SET number = 8")


def test_explain_that_executes(on_postgres: Place) -> None:
    with on_postgres.watched(whole=TICKETS):
        on_postgres.execute("EXPLAIN ANALYZE UPDATE live_ticket SET number = 8")


def test_code(on_postgres: Place) -> None:
    with on_postgres.watched(whole=TICKETS):
        on_postgres.execute("DO $$ BEGIN UPDATE live_ticket SET number = 8; END $$")


def test_objects_of_psycopg(on_postgres: Place) -> None:
    text = sql.SQL("UPDATE {} SET number = 3").format(sql.Identifier(TICKETS))
    with on_postgres.watched(whole=f"{TICKETS} live_label"):
        on_postgres.execute(text)
        on_postgres.execute(b"UPDATE live_label SET weight = 3")


def test_truncate(on_postgres: Place) -> None:
    with on_postgres.watched(whole="live_comment"):
        on_postgres.execute("TRUNCATE live_comment")


def test_rows_of_a_queryset_are_explained(place: Place) -> None:
    with place.watched() as told:
        Ticket.objects.filter(number=1).explain()
    assert not told.tellings


def test_flush(place: Place) -> None:
    with place.listening() as told:
        management.call_command(
            "flush",
            verbosity=0,
            interactive=False,
            database=place.alias,
            inhibit_post_migrate=True,
        )
    assert {change.table.name for change in told.changes} >= {TICKETS, "live_team"}
    assert not told.tellings[-1].rows[TICKETS]


def test_data_of_a_migration(place: Place) -> None:
    from django.db.migrations.state import ModelState, ProjectState

    from tests.live.django_models import Team

    state = ProjectState()
    state.add_model(ModelState.from_model(Team))
    old = state.apps.get_model("live_tests", "Team")
    with place.watched(whole="live_team"):
        old.objects.create(name="from migration")
        old.objects.filter(name="a").update(name="a2")


def test_change_of_a_schema(place: Place) -> None:
    from django.db import models

    from tests.live.django_models import Label

    column = models.TextField(default="x")
    column.set_attributes_from_name("weight")
    column.model = Label
    with place.listening() as told, place.connection.schema_editor() as editor:
        editor.alter_field(Label, Label._meta.get_field("weight"), column)
    assert told.find("live_label")
    assert told.tellings[-1].rows["live_label"][(1,)]["weight"] == "0"


class TestUnseen:
    """What nobody can see, as the documentation lists it."""

    def test_trigger(self, place: Place) -> None:
        if place.is_postgres:
            place.execute_past_django(
                "CREATE FUNCTION tr() RETURNS trigger LANGUAGE plpgsql AS "
                "'BEGIN UPDATE live_label SET weight = 99; RETURN NEW; END'"
            )
            action = "FOR EACH ROW EXECUTE FUNCTION tr()"
        else:
            action = "BEGIN UPDATE live_label SET weight = 99; END"
        place.execute_past_django(f"CREATE TRIGGER tr AFTER UPDATE ON live_seat {action}")
        with place.watched(whole="live_seat", unseen="live_label"):
            place.execute("UPDATE live_seat SET guest = 'x'")

    def test_cursor_of_the_driver(self, place: Place) -> None:
        place.connection.ensure_connection()
        with place.watched(unseen=TICKETS):
            cursor = place.connection.connection.cursor()
            cursor.execute("UPDATE live_ticket SET number = 9")
            cursor.close()

    def test_script_of_sqlite(self, sqlite: Place) -> None:
        with sqlite.watched(unseen=TICKETS), sqlite.connection.cursor() as cursor:
            cursor.executescript("UPDATE live_ticket SET number = 9")

    def test_copy(self, on_postgres: Place) -> None:
        with (
            on_postgres.watched(unseen="live_team"),
            on_postgres.connection.cursor() as cursor,
            cursor.copy("COPY live_team (name) FROM STDIN") as copy,
        ):
            copy.write_row(("copied",))

    def test_function(self, on_postgres: Place) -> None:
        on_postgres.execute_past_django(BUMP)
        with on_postgres.watched(unseen=TICKETS):
            on_postgres.execute("SELECT bump()")

    def test_called_procedure(self, on_postgres: Place) -> None:
        on_postgres.execute_past_django(BUMP)
        with on_postgres.watched(unseen=TICKETS), on_postgres.connection.cursor() as cursor:
            cursor.execute("SELECT 1")  # the cursor is one of Django's
            cursor.callproc("bump")

    def test_prepared_statement(self, on_postgres: Place) -> None:
        on_postgres.execute("PREPARE p AS UPDATE live_ticket SET number = 8")
        with on_postgres.watched(unseen=TICKETS):
            on_postgres.execute("EXECUTE p")

    def test_cascade_made_by_hand(self, on_postgres: Place) -> None:
        on_postgres.execute_past_django(
            "ALTER TABLE live_comment ADD CONSTRAINT c FOREIGN KEY (ticket_id) "
            "REFERENCES live_ticket (id) ON DELETE CASCADE"
        )
        on_postgres.execute("DELETE FROM live_fan; DELETE FROM live_ticket_labels")
        with on_postgres.watched(unseen="live_comment"):
            rows = Ticket.objects.filter(pk=1)
            rows._raw_delete(rows.db)

    def test_table_that_another_one_takes_along(self, on_postgres: Place) -> None:
        with on_postgres.watched(whole="live_label", unseen="live_ticket_labels"):
            on_postgres.execute("TRUNCATE live_label CASCADE")

    def test_other_connection(self, place: Place) -> None:
        with place.watched(unseen=TICKETS):
            place.execute_past_django("UPDATE live_ticket SET number = 9")


def test_fixture(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    row = {"model": "live_tests.team", "pk": 70, "fields": {"name": "fix"}}
    path.write_text(json.dumps([row]))
    with place.watched(extra="live_team"):  # an UPDATE of no rows comes first
        management.call_command("loaddata", str(path), verbosity=0, database=place.alias)
