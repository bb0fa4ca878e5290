"""Whatever an evaluation reads by Django is noted, wherever it does so."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db.models import Exists, OuterRef

from django_vortex.live.recording import Recorder, recording
from tests.live.django_models import Fan, Label, Person, Team, Ticket
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


def test_view_that_nobody_knows_is_noted(place: Place) -> None:
    place.execute_past_django("CREATE VIEW open_tickets AS SELECT * FROM live_ticket")
    recorder = record(lambda: place.execute("SELECT * FROM open_tickets"))
    assert recorder.unknown == ["SELECT * FROM open_tickets"]
    recorder = record(lambda: place.execute("SELECT 1"))
    assert recorder.unknown == []


def test_query_that_fails_is_noted(place: Place) -> None:
    def fail() -> None:
        with pytest.raises(Exception, match="nothing"):
            place.execute("SELECT nothing FROM live_team")

    assert find_tables(fail) == {"live_team"}
