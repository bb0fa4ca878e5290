"""Whatever an evaluation reads by Django is noted, wherever it does so."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import router
from django.db.models import Exists, F, Func, IntegerField, OuterRef, Q
from django.db.models.expressions import RawSQL

from django_vortex.live.changes import Table
from django_vortex.live.dependencies import Dependency
from django_vortex.live.recording import Recorder, recording
from django_vortex.orm import views
from django_vortex.orm.django import read_hooks
from django_vortex.orm.django.read_plans import ReadPlan
from django_vortex.orm.django.routing import WriteRouter, install_router
from tests.live.django_models import Asset, City, Fan, Label, Person, Rate, Seat, Team, Ticket
from tests.live.django_place import Place

LABELS = "live_ticket_labels"


def record(function: Callable[[], Any]) -> Recorder:
    with recording() as recorder:
        function()
    return recorder


def find_tables(function: Callable[[], Any]) -> set[str]:
    recorder = record(function)
    assert not recorder.writes
    return {one.table.name for one in recorder.reads}


async def read_natively() -> None:
    [team async for team in Team.objects.all()]
    await asyncio.gather(Label.objects.afirst(), Ticket.objects.acount())


CASES: dict[str, tuple[Callable[[], Any], set[str]]] = {
    "list": (lambda: list(Team.objects.all()), {"live_team"}),
    "get": (lambda: Team.objects.get(pk=1), {"live_team"}),
    "count": (lambda: Team.objects.count(), {"live_team"}),
    "exists": (lambda: Team.objects.exists(), {"live_team"}),
    "iterator": (lambda: list(Team.objects.iterator()), {"live_team"}),
    "select_related": (
        lambda: list(Ticket.objects.select_related("team")),
        {"live_ticket", "live_team"},
    ),
    "prefetch_related": (
        lambda: list(Ticket.objects.prefetch_related("labels", "team")),
        {"live_ticket", "live_label", LABELS, "live_team"},
    ),
    "condition on another table": (
        lambda: list(Ticket.objects.filter(labels__name="l1")),
        {"live_ticket", "live_label", LABELS},
    ),
    "subquery": (
        lambda: list(Ticket.objects.filter(Exists(Fan.objects.filter(ticket=OuterRef("pk"))))),
        {"live_ticket", "live_fan"},
    ),
    "union": (
        lambda: list(Team.objects.values_list("name").union(Label.objects.values_list("name"))),
        {"live_team", "live_label"},
    ),
    "nothing to ask": (lambda: list(Ticket.objects.filter(pk__in=[])), set()),
    "related object": (lambda: Ticket.objects.get(pk=1).owner, {"live_ticket", "live_person"}),
    "raw": (lambda: list(Ticket.objects.raw("SELECT * FROM live_ticket")), {"live_ticket"}),
    "async": (lambda: asyncio.run(read_natively()), {"live_team", "live_label", "live_ticket"}),
    "extra": (
        lambda: list(Team.objects.extra(tables=["live_label"], where=["live_label.id = 1"])),
        {"live_team", "live_label"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_tables_are_noted(place: Place, name: str) -> None:
    function, tables = CASES[name]
    assert find_tables(function) == tables


def test_text_on_a_cursor_is_noted(place: Place) -> None:
    read = find_tables(lambda: place.execute("SELECT 1 FROM live_team t, live_fan"))
    assert read == {"live_team", "live_fan"}


def test_threads_with_the_context_are_heard(place: Place) -> None:
    def read() -> None:
        Person.objects.count()
        place.close()

    def run() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(contextvars.copy_context().run, read).result()

    assert find_tables(run) == {"live_person"}


def test_nothing_is_noted_of_others(place: Place) -> None:
    with recording() as recorder:
        contextvars.Context().run(Team.objects.count)
    assert recorder.reads == []


def test_text_of_which_no_table_is_known_is_noted(place: Place) -> None:
    place.execute_past_django("CREATE TABLE legacy (id int)")
    assert record(lambda: place.execute("SELECT * FROM legacy")).unknown == ["SELECT * FROM legacy"]
    assert record(lambda: place.execute("SELECT 1")).unknown == []


def test_views_stand_for_their_tables(place: Place) -> None:
    place.execute_past_django("CREATE VIEW open_tickets AS SELECT t.* FROM live_ticket t")
    place.execute_past_django("CREATE VIEW some_view AS SELECT o.* FROM open_tickets o, live_team")
    tables = find_tables(lambda: place.execute("SELECT * FROM some_view"))
    assert tables == {"some_view", "open_tickets", "live_ticket", "live_team"}


def test_view_that_is_made_later(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    find_tables(Team.objects.count)
    name = f"late_{place.alias}"  # known to the process afterwards
    place.execute_past_django(f"CREATE VIEW {name} AS SELECT * FROM live_label")
    assert record(lambda: place.execute(f"SELECT * FROM {name}")).unknown
    monkeypatch.setattr(views, "SECONDS_BETWEEN", -1.0)
    assert find_tables(lambda: place.execute(f"SELECT * FROM {name}")) == {name, "live_label"}


def test_materialized_view_changes_when_it_is_refreshed(on_postgres: Place) -> None:
    place = on_postgres
    place.execute_past_django("CREATE MATERIALIZED VIEW kept AS SELECT * FROM live_label")
    assert find_tables(lambda: place.execute("SELECT * FROM kept")) == {"kept"}
    with place.listening() as told:
        place.execute("REFRESH MATERIALIZED VIEW kept")
    assert [change.table.name for change in told.changes] == ["kept"]


class Replicas:
    """A router of an application."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "replica" if model is Label else None


def test_reads_go_where_writes_go(place: Place) -> None:
    ours, *others = find_own_routers() + router.routers
    before, router.routers = router.routers, [ours, Replicas(), *others]
    try:
        assert Label.objects.all().db == "replica"
        with recording():
            assert Label.objects.all().db == place.alias
            assert Team.objects.all().db == place.alias
    finally:
        router.routers = before


def find_own_routers() -> list[Any]:
    return [one for one in router.routers if isinstance(one, WriteRouter)]


def test_router_of_ours_is_there_once() -> None:
    install_router()
    assert len(find_own_routers()) == 1


def test_query_that_fails_is_noted(place: Place) -> None:
    def fail() -> None:
        with pytest.raises(Exception, match="nothing"):
            place.execute("SELECT nothing FROM live_team")

    assert find_tables(fail) == {"live_team"}


def find_one(function: Callable[[], Any]) -> Dependency:
    [read] = record(function).reads
    return read


class TestRows:
    """Of which rows a query of the ORM says that it depends on them."""

    def test_by_key(self, place: Place) -> None:
        read = find_one(lambda: Ticket.objects.get(pk=2))
        assert read.table == Table(place.database, "live_ticket")
        assert read.equalities == {"id": {2}}
        assert (read.keys, read.key_columns) == ({(2,)}, ("id",))
        assert read.deciding is None  # `get()` has a limit
        assert read.columns == {"id", "title", "st", "number", "team_id", "owner_id"}

    def test_list(self, place: Place) -> None:
        read = find_one(lambda: list(Ticket.objects.filter(team=1, state="open", number__lt=4)))
        assert read.equalities == {"team_id": {1}, "st": {"open"}}
        assert read.keys == {(2,), (4,)}
        assert read.deciding == {"team_id", "st", "number"}

    def test_list_of_composite_keys(self, place: Place) -> None:
        read = find_one(lambda: list(Seat.objects.filter(pk__in=[("a", 1), ("b", 2)])))
        assert read.equalities == {"row": {"a", "b"}, "number": {1, 2}}
        assert (read.keys, read.key_columns) == ({("a", 1)}, ("row", "number"))

    def test_uuid(self, place: Place) -> None:
        asset = Asset.objects.get()
        read = find_one(lambda: Asset.objects.get(pk=str(asset.pk)))
        assert read.equalities == {"id": {asset.pk}}
        assert read.keys == {(asset.pk,)}

    def test_columns(self, place: Place) -> None:
        read = find_one(lambda: list(Ticket.objects.filter(number=1).values_list("title")))
        assert read.columns == {"number", "title"}
        assert read.keys is None
        read = find_one(lambda: Ticket.objects.filter(number=1).count())
        assert read.columns == {"number"}
        assert read.keys is None
        read = find_one(lambda: list(Ticket.objects.only("title").order_by("number")))
        assert read.columns == {"id", "title", "number"}
        assert read.deciding == set()

    def test_joined(self, place: Place) -> None:
        rows = Ticket.objects.filter(team__name="a", number=1).select_related("owner")
        reads = {one.table.name: one for one in record(lambda: list(rows)).reads}
        assert reads["live_team"].equalities == {"name": {"a"}}
        assert reads["live_team"].columns == {"id", "name"}
        assert reads["live_team"].keys is None
        assert reads["live_ticket"].equalities == {"number": {1}}
        assert reads["live_ticket"].keys == {(2,)}
        assert reads["live_ticket"].deciding == {"number", "team_id", "owner_id"}
        assert reads["live_person"].columns == {"id", "username"}

    def test_row_that_is_not_there(self, place: Place) -> None:
        """Its columns are NULL, and those of a row that comes are not."""
        rows = Ticket.objects.filter(fan__isnull=True)
        reads = {one.table.name: one for one in record(lambda: list(rows)).reads}
        assert reads["live_fan"].equalities == {}
        read = find_one(lambda: list(Ticket.objects.filter(team__isnull=True)))
        assert read.equalities == {"team_id": {None}}

    def test_same_table_twice(self, place: Place) -> None:
        rows = City.objects.filter(name="x").select_related("twin")
        equalities = [one.equalities for one in record(lambda: list(rows)).reads]
        assert equalities == [{"name": {"x"}}, {}]

    def test_query_within(self, place: Place) -> None:
        inner = Fan.objects.filter(ticket=OuterRef("pk"), person=1)
        reads = record(lambda: list(Ticket.objects.filter(Exists(inner)))).reads
        assert [(one.table.name, one.equalities) for one in reads] == [
            ("live_ticket", {}),
            ("live_fan", {"person_id": {1}}),
        ]
        assert reads[0].deciding == {"id"}

    def test_that_no_analysis_knows(self, place: Place) -> None:
        rows = Ticket.objects.filter(number=1)
        unclear: list[Callable[[], Any]] = [
            lambda: list(rows.extra(where=["1 = 1"])),
            lambda: list(rows.annotate(x=RawSQL("(SELECT count(*) FROM live_ticket)", ()))),
            lambda: list(rows.filter(pk__in=RawSQL("SELECT id FROM live_ticket", ()))),
            lambda: list(rows.union(Ticket.objects.filter(number=2))),
            lambda: list(rows.annotate(x=Own("pk"))),
        ]
        for function in unclear:
            read = find_one(function)
            assert (read.equalities, read.keys, read.columns) == ({}, None, None)

    def test_after_some_rows(self, place: Place) -> None:
        read = find_one(lambda: list(Ticket.objects.order_by("pk")[1:3]))
        assert read.keys is None

    def test_iterator(self, place: Place) -> None:
        read = find_one(lambda: list(Ticket.objects.filter(number=1).iterator()))
        assert read.equalities == {"number": {1}}

    def test_that_may_be_equal_to_others(self, place: Place) -> None:
        for function in (
            lambda: list(Asset.objects.filter(price=0)),
            lambda: list(Rate.objects.filter(day="2026-01-01T00:00Z")),
            lambda: list(Ticket.objects.filter(title__iexact="t1")),
            lambda: list(Ticket.objects.filter(number=F("id"))),
            lambda: list(Ticket.objects.exclude(number=1)),
            lambda: list(Ticket.objects.filter(Q(number=1) | Q(number=2))),
        ):
            assert find_one(function).equalities == {}


class Own(Func):  # type: ignore[type-arg]
    """An expression of the application, which may write whatever it likes."""

    template = "(SELECT min(id) FROM live_ticket) + %(expressions)s"
    output_field = IntegerField()


def test_fault_of_ours_costs_no_dependency(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object) -> None:
        raise ZeroDivisionError

    for target, name in ((read_hooks, "get_plan"), (ReadPlan, "find_dependencies")):
        with monkeypatch.context() as patch:
            patch.setattr(target, name, fail)
            read = find_one(lambda: Ticket.objects.get(pk=2))
            assert (read.table.name, read.keys) == ("live_ticket", None)
    assert "Could not find out" in caplog.text


def test_queries_are_as_they_were(place: Place) -> None:
    rows = Ticket.objects.select_related("team").filter(labels__name="l1").order_by("team__name")
    expected, text = list(rows.all()), str(rows.query)
    with recording():
        assert list(rows) == expected
        assert str(rows.query) == text
        assert list(rows.all()) == expected
