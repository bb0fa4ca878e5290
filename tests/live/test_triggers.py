"""Triggers are told of by a check, where the database tells of them."""

from django.core.checks import run_checks
from django.test import override_settings

from django_vortex.checks.triggers import check_triggers
from tests.live.django_models import Label
from tests.live.django_place import Place
from tests.support.check_messages import ids

TABLE = Label._meta.db_table


def add_trigger(place: Place, table: str, name: str) -> None:
    if place.is_postgres:
        place.execute(
            "CREATE OR REPLACE FUNCTION do_nothing() RETURNS trigger"
            " LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
        )
        place.execute(
            f"CREATE TRIGGER {name} BEFORE UPDATE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION do_nothing()"
        )
    else:
        place.execute(f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} BEGIN SELECT 1; END")


def test_triggers_of_tables_of_models_are_told(place: Place) -> None:
    assert check_triggers(databases=[place.alias]) == []
    place.execute("CREATE TABLE of_others (id integer)")
    add_trigger(place, "of_others", "unknown")
    assert check_triggers(databases=[place.alias]) == []
    for number in range(7):
        add_trigger(place, TABLE, f"trigger_{number}")
    [message] = check_triggers(databases=[place.alias])
    assert ids([message]) == ["W042"]
    assert f"'trigger_0' on '{TABLE}'" in message.msg
    assert message.msg.endswith(f"'trigger_4' on '{TABLE}' and 2 more.")


def test_only_databases_that_are_to_be_checked_are_asked(place: Place) -> None:
    add_trigger(place, TABLE, "trigger")
    assert check_triggers() == []
    with override_settings(VORTEX={"LIVE": False}):
        assert check_triggers(databases=[place.alias]) == []


def test_check_is_one_of_databases(place: Place) -> None:
    add_trigger(place, TABLE, "trigger")
    assert "W042" not in ids(run_checks())
    assert "W042" not in ids(run_checks(tags=["vortex"]))
    assert "W042" in ids(run_checks(tags=["database"], databases=[place.alias]))
