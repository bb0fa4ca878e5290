"""A hook that is missing, overridden or raises costs precision and nothing else."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db.models.sql import compiler

from django_vortex.live.recording import recording
from django_vortex.live.telling import telling
from django_vortex.orm.django import capture, commits, hooks, statements, transactions, write_hooks
from django_vortex.orm.django.read_only import WritesWhileEvaluating
from tests.live.django_models import Label, Team
from tests.live.django_place import Place

ROOT = Path(__file__).parents[2]


def fail(*args: object, **kwargs: object) -> Any:
    raise ZeroDivisionError("a fault of ours")


def write() -> None:
    team = Team.objects.create(name="n")
    Label.objects.filter(pk=1).update(weight=8)
    team.delete()
    Team.objects.get(name="a").save()
    Team.objects.create(name="kept")


WHOLE = {"whole": "live_team live_label", "extra": "live_team"}


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (write_hooks, "look_ahead"),
        (write_hooks, "describe"),
        (statements.Insert, "find_changes"),
        (statements.Update, "find_changes"),
    ],
)
def test_hook_that_raises(
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    module: Any,
    name: str,
) -> None:
    monkeypatch.setattr(module, name, fail)
    with place.listening() as told:
        Team.objects.create(name="n")
        Label.objects.filter(pk=1).update(weight=8)
    assert {change.table.name for change in told.changes} == {"live_team", "live_label"}
    assert None in {change.keys for change in told.changes}
    assert (3,) in told.tellings[0].rows["live_team"]
    assert "Could not find out" in caplog.text or "Could not look" in caplog.text


def test_hook_that_is_missing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for cls in (
        compiler.SQLInsertCompiler,
        compiler.SQLUpdateCompiler,
        compiler.SQLDeleteCompiler,
    ):
        for name in ("execute_sql", "execute_returning_sql"):
            method = getattr(cls, name, None)
            original = getattr(method, "__wrapped__", None)
            if original is not None:
                monkeypatch.setattr(cls, name, original)
    with place.watched(**WHOLE, is_simple=False):
        write()


def test_compiler_of_another_backend_that_makes_texts_of_its_own(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = compiler.SQLInsertCompiler.as_sql
    cursor_class = type(place.connection.cursor())
    execute = cursor_class.execute

    def changed(self: Any, sql: Any, params: Any = None) -> Any:
        return execute(self, f"{sql} " if isinstance(sql, str) else sql, params)

    monkeypatch.setattr(cursor_class, "execute", changed)
    with place.watched(whole="live_team"):
        Team.objects.create(name="n")
    assert original is compiler.SQLInsertCompiler.as_sql


def test_fault_of_ours_in_a_statement(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Then every table may have been changed, and is told of with the next statement."""
    with monkeypatch.context() as patch, place.listening() as told:
        patch.setattr(capture, "find_text", fail)
        place.execute("UPDATE live_label SET weight = 3")
        patch.undo()
        Team.objects.count()
    assert told.find("live_label")
    assert told.tellings[-1].rows["live_label"][(1,)]["weight"] == 3
    assert "Could not find out" in caplog.text


def test_fault_of_ours_at_a_commit(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with place.listening():
        Team.objects.count()
        monkeypatch.setattr(place.connection._vortex_capture._pending, "find_all", fail)
        with place.atomic():
            Team.objects.create(name="n")
    assert Team.objects.filter(name="n").exists()
    assert "Could not keep account" in caplog.text


def test_driver_that_says_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told at once, and again when Django commits."""
    monkeypatch.setattr(transactions, "is_in_transaction", fail)
    with place.listening() as told:
        place.execute("BEGIN")
        Label.objects.filter(pk=1).update(weight=8)
        place.execute("COMMIT")
    assert told.find("live_label")
    assert told.tellings[-1].rows["live_label"][(1,)]["weight"] == 8


@pytest.mark.usefixtures("unheard")
def test_nothing_is_looked_at_where_nobody_listens(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_hooks, "provide_capture", fail)
    monkeypatch.setattr(capture.Capture, "_note", fail)
    assert not telling.is_heard
    write()
    with place.atomic():
        write_again()


def write_again() -> None:
    Team.objects.filter(name="kept").update(name="again")


def test_writes_of_an_evaluation_are_noted_and_refused(place: Place) -> None:
    with recording() as recorder:
        Team.objects.count()
        assert recorder.writes == []
        with pytest.raises(WritesWhileEvaluating):
            Team.objects.create(name="n")
        with pytest.raises(WritesWhileEvaluating):
            place.execute("UPDATE live_label SET weight = 3")
    assert not Team.objects.filter(name="n").exists()
    assert [table.name for table in recorder.writes] == ["live_team", "live_label"]
    assert {table.database for table in recorder.writes} == {place.database}


def test_all_that_is_hooked_is_there() -> None:
    assert hooks.find_missing() == []
    assert len(commits.METHODS) == 7


PROJECT = """
from django.conf import settings
settings.configure(INSTALLED_APPS=["django_vortex"], VORTEX={"LIVE": False}, DATABASES={
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
import django
django.setup()
from django.db import connection
from django.db.models.sql import compiler
connection.ensure_connection()
print(connection.execute_wrappers, "_commit" in vars(connection))
print(hasattr(compiler.SQLInsertCompiler.execute_sql, "__wrapped__"))
"""


def test_django_is_as_it_was_where_the_setting_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROJECT],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["[] False", "False"], done.stderr
