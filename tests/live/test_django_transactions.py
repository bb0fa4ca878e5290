"""Nothing is told before it is committed, and nothing that was rolled back."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, InterfaceError, transaction
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from django_vortex.live.telling import telling
from tests.live.django_models import Label, Team, Ticket
from tests.live.django_place import Place, Templates

LABELS = "live_label"


def test_savepoint_that_is_rolled_back(place: Place) -> None:
    with place.watched() as told, place.atomic():
        Team.objects.create(name="outer")
        with pytest.raises(ValueError), place.atomic():
            Label.objects.update(weight=5)
            raise ValueError
    assert not told.find(LABELS)


def test_savepoint_that_is_released(place: Place) -> None:
    with place.watched(whole=LABELS) as told, place.atomic():
        Team.objects.create(name="outer")
        with place.atomic():
            Label.objects.update(weight=5)
        assert not told.tellings
    assert len(told.tellings) == 1


def test_savepoint_by_hand(place: Place) -> None:
    with place.watched() as told, place.atomic():
        begin = getattr(transaction, "savepoint_create", transaction.savepoint)
        point = begin(using=place.alias)
        Label.objects.update(weight=5)
        transaction.savepoint_rollback(point, using=place.alias)
        Team.objects.create(name="kept")
    assert not told.find(LABELS)


def test_savepoint_within_one_that_is_rolled_back(place: Place) -> None:
    with place.watched() as told, place.atomic(), pytest.raises(ValueError), place.atomic():
        with place.atomic():
            Label.objects.update(weight=5)
        raise ValueError
    assert not told.tellings


def test_savepoint_by_a_text(place: Place) -> None:
    """That nobody follows: it is told in vain."""
    with place.watched(whole=LABELS, extra=LABELS), place.atomic():
        place.execute("SAVEPOINT x")
        Label.objects.update(weight=5)
        place.execute("ROLLBACK TO SAVEPOINT x")


def test_rolled_back(place: Place) -> None:
    with place.watched() as told:
        with pytest.raises(ValueError), place.atomic():
            Label.objects.update(weight=5)
            raise ValueError
        with place.atomic():
            Label.objects.update(weight=6)
            transaction.set_rollback(True, using=place.alias)
        with place.atomic():
            Team.objects.create(name="next")
    assert not told.find(LABELS)


def test_block_without_a_savepoint_that_fails(place: Place) -> None:
    with (
        place.watched() as told,
        pytest.raises(transaction.TransactionManagementError),
        place.atomic(),
    ):
        with pytest.raises(ValueError), place.atomic(savepoint=False):
            Label.objects.update(weight=5)
            raise ValueError
        Team.objects.count()
    assert not told.tellings


def test_told_before_what_the_application_does_after_a_commit(place: Place) -> None:
    found: list[int] = []
    with place.watched() as told, place.atomic():
        transaction.on_commit(lambda: found.append(len(told.tellings)), using=place.alias)
        Team.objects.create(name="n")
    assert found == [1]


def test_hook_of_the_application_that_raises(place: Place) -> None:
    def fail() -> None:
        raise ValueError

    with place.watched(), pytest.raises(ValueError), place.atomic():
        transaction.on_commit(fail, using=place.alias)
        Team.objects.create(name="hooked")


def test_commit_after_which_the_connection_is_lost(place: Place, monkeypatch: Any) -> None:
    Team.objects.count()
    driver = place.connection.connection
    with place.watched():
        with pytest.raises(DatabaseError), place.atomic():
            Team.objects.create(name="unknown")
            monkeypatch.setattr(place.connection, "connection", Lost(driver, place))
        place.close()


class Lost:
    """A connection that is lost after the commit and before the answer."""

    def __init__(self, driver: Any, place: Place) -> None:
        self._driver, self._place = driver, place

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def commit(self) -> None:
        self._driver.commit()
        self._driver.close()
        raise self._place.connection.Database.OperationalError("lost")


def test_commit_that_fails(on_postgres: Place) -> None:
    """A constraint that is looked at in the end: it is told in vain, and once."""
    with on_postgres.watched(extra="live_ticket") as told:
        with pytest.raises(DatabaseError), on_postgres.atomic():
            Ticket.objects.create(team_id=999)
        Team.objects.create(name="after")
    assert len(told.find("live_ticket")) == 1


def test_server_that_ends_the_connection(on_postgres: Place) -> None:
    with on_postgres.watched() as told:
        with pytest.raises((DatabaseError, InterfaceError)), on_postgres.atomic():
            Label.objects.update(weight=5)
            pid = on_postgres.connection.connection.info.backend_pid
            on_postgres.execute_past_django(f"SELECT pg_terminate_backend({pid}, 60000)")
            Label.objects.count()
        on_postgres.connection.close()
        Team.objects.create(name="after")
    assert not told.find(LABELS)


def test_closed_in_a_transaction(place: Place) -> None:
    with place.watched() as told:
        with pytest.raises((DatabaseError, InterfaceError)), place.atomic():
            Label.objects.update(weight=5)
            place.connection.close()
            Label.objects.count()
        place.connection.close()
        Team.objects.create(name="after")
    assert not told.find(LABELS)


def test_opened_anew(place: Place) -> None:
    with place.watched():
        for name in ("one", "two"):
            place.connection.close()
            Team.objects.create(name=name)
    wrappers = place.connection.execute_wrappers
    assert len(wrappers) == 1


@contextmanager
def by_hand(place: Place) -> Iterator[None]:
    transaction.set_autocommit(False, using=place.alias)
    try:
        yield
    finally:
        transaction.rollback(using=place.alias)
        transaction.set_autocommit(True, using=place.alias)


def test_transactions_by_hand(place: Place) -> None:
    with place.watched(whole=LABELS) as told, by_hand(place):
        Label.objects.update(weight=5)
        assert not told.tellings
        transaction.commit(using=place.alias)
        assert len(told.tellings) == 1
        Label.objects.update(weight=6)
        transaction.rollback(using=place.alias)
        transaction.commit(using=place.alias)
    assert len(told.tellings) == 1


def test_autocommit_that_is_switched_on(sqlite: Place) -> None:
    """Which commits there, while psycopg refuses."""
    with sqlite.watched(whole=LABELS) as told:
        transaction.set_autocommit(False, using=sqlite.alias)
        Label.objects.update(weight=5)
        transaction.set_autocommit(True, using=sqlite.alias)
    assert len(told.tellings) == 1


def test_autocommit_that_can_not_be_switched_on(on_postgres: Place) -> None:
    with on_postgres.watched(whole=LABELS), by_hand(on_postgres):
        Label.objects.update(weight=5)
        with pytest.raises(DatabaseError):
            transaction.set_autocommit(True, using=on_postgres.alias)
        transaction.commit(using=on_postgres.alias)


def test_transaction_by_texts(place: Place) -> None:
    with place.watched(whole=LABELS) as told:
        place.execute("BEGIN")
        Label.objects.update(weight=5)
        Team.objects.create(name="n")
        assert not told.tellings
        place.execute("COMMIT")
        assert len(told.tellings) == 1
        Team.objects.create(name="m")
    assert len(told.tellings) == 2


def test_transaction_that_a_text_rolls_back(place: Place) -> None:
    with place.watched(extra=LABELS, whole=LABELS):
        place.execute("BEGIN")
        Label.objects.update(weight=5)
        place.execute("ROLLBACK")
        Team.objects.create(name="m")


def test_transaction_in_one_text(on_postgres: Place) -> None:
    with on_postgres.watched(whole=LABELS):
        on_postgres.execute("BEGIN; UPDATE live_label SET weight = 7; COMMIT")


def test_commit_by_a_text_in_an_atomic_block(place: Place) -> None:
    with place.watched(whole=LABELS) as told, place.atomic():
        Label.objects.update(weight=5)
        place.execute("COMMIT")
        assert len(told.tellings) == 1
        Team.objects.create(name="m")
        assert len(told.tellings) == (1 if place.is_postgres else 2)


def test_thread(place: Place) -> None:
    def write() -> None:
        Team.objects.create(name="thread")
        place.close()

    with place.watched():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()


def test_first_statement_of_a_connection(place: Place) -> None:
    place.close()
    with place.watched():
        Team.objects.create(name="first")


def test_async_orm(place: Place) -> None:
    async def write() -> None:
        await Team.objects.acreate(name="as")
        ticket = await Ticket.objects.aearliest("pk")
        ticket.number = 8
        await ticket.asave()
        await Label.objects.filter(name="l1").aupdate(weight=3)
        await asyncio.gather(
            Team.objects.filter(pk=1).aupdate(name="x"), Team.objects.filter(pk=2).adelete()
        )

    others = "live_label live_comment live_fan live_ticket_labels"
    with place.watched(whole=others, is_simple=False):
        asyncio.run(write())


@pytest.mark.parametrize("kind", ["postgres"])
def test_pool_of_psycopg(templates: Templates, kind: str) -> None:
    options = {"OPTIONS": {"pool": {"min_size": 1, "max_size": 2}}}
    with templates.open(kind, **options) as place:
        with place.watched() as told:
            Team.objects.create(name="one")
            with pytest.raises(ValueError), place.atomic():
                Label.objects.update(weight=5)
                raise ValueError
            place.connection.close()
            with place.atomic():
                Team.objects.create(name="two")
        assert not told.find(LABELS)


@pytest.mark.parametrize("kind", ["postgres"])
def test_server_side_binding(templates: Templates, kind: str) -> None:
    options = {"OPTIONS": {"server_side_binding": True}}
    with templates.open(kind, **options) as place, place.watched():
        Team.objects.create(name="one")
        list(Team.objects.iterator())


def test_several_databases(templates: Templates, place: Place) -> None:
    with templates.open("sqlite") as other, other.watched() as elsewhere, place.atomic():
        Team.objects.using(place.alias).create(name="here")
        with other.atomic():
            Team.objects.using(other.alias).create(name="there")
            Team(name="too").save(using=other.alias)
            assert not elsewhere.tellings
        assert len(elsewhere.tellings) == 1


def test_wrapper_of_the_application_at_the_first_statement(place: Place) -> None:
    """It is taken away again, and not ours."""
    place.close()
    seen: list[str] = []

    def mine(execute: Any, sql: str, *args: Any) -> Any:
        seen.append(sql)
        return execute(sql, *args)

    with place.connection.execute_wrapper(mine):
        Team.objects.count()
    assert len(seen) == 1
    with place.watched(whole=LABELS):
        Label.objects.update(weight=12)
    assert len(seen) == 1


def test_wrapper_of_the_application_that_changes_texts(place: Place) -> None:
    def commented(execute: Any, sql: str, *args: Any) -> Any:
        return execute(f"/* from here */ {sql}", *args)

    with place.watched(), place.connection.execute_wrapper(commented):
        Team.objects.create(name="n")


def test_nothing_is_asked_and_no_hook_is_left(place: Place) -> None:
    with (
        place.listening(),
        CaptureQueriesContext(place.connection) as queries,
        place.atomic(),
        TestCase.captureOnCommitCallbacks(using=place.alias) as found,
    ):
        Team.objects.create(name="n")
        transaction.on_commit(lambda: None, using=place.alias)
    assert len(found) == 1
    texts = [query["sql"] for query in queries.captured_queries]
    assert len([text for text in texts if "live_team" in text]) == 1
    assert len(texts) == (3 if "BEGIN" in texts[0] else 1), texts


def test_listener_that_raises_harms_nobody(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    def fail(changes: object) -> None:
        raise ValueError("no")

    with telling.heard_by(fail):
        Team.objects.create(name="n")
    assert Team.objects.filter(name="n").exists()
    assert "Nobody could be told" in caplog.text


def test_sessions_are_quiet(place: Place) -> None:
    from django.contrib.sessions.models import Session

    with place.connection.schema_editor() as editor:
        editor.create_model(Session)
    with place.listening() as told:
        place.execute("INSERT INTO django_session VALUES ('k', 'd', '2026-01-01 00:00:00')")
    assert not told.tellings


@pytest.mark.usefixtures("unheard")
def test_what_was_begun_before_anybody_listened(place: Place) -> None:
    """Any row of any table may be meant: nobody has looked."""
    block = place.atomic()
    block.__enter__()
    Label.objects.update(weight=5)
    with place.listening() as told:
        assert not told.tellings
        block.__exit__(None, None, None)
    assert {change.table.name for change in told.changes} >= {LABELS, "live_team"}
    assert told.tellings[0].rows[LABELS][(1,)]["weight"] == 5
    with place.watched():
        Team.objects.create(name="afterwards")


@pytest.mark.usefixtures("unheard")
def test_texts_that_began_before_anybody_listened(place: Place) -> None:
    place.execute("BEGIN")
    Label.objects.update(weight=5)
    with place.listening() as told:
        place.execute("COMMIT")
    assert told.find(LABELS)


@pytest.mark.usefixtures("unheard")
def test_what_was_committed_before_anybody_listened(place: Place) -> None:
    with place.atomic():
        Label.objects.update(weight=5)
    with place.watched() as told:
        Team.objects.count()
        with place.atomic():
            Team.objects.count()
    assert not told.tellings


def test_names_of_databases(place: Place) -> None:
    assert place.database.startswith("postgresql://" if place.is_postgres else "sqlite:/")
