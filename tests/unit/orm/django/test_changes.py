"""What an instance has become since it was read, and that it is written with what was asked for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.db.models import F
from django.db.models.signals import post_save, pre_save
from django.test.utils import CaptureQueriesContext

from django_vortex.orm.django.changes import SEEN, find_changed, remember
from django_vortex.orm.django.saving import save_fields
from django_vortex.orm.store import Version
from tests.unit.orm.models import Author, Bundle, Edition, Everything, Ticket

pytestmark = pytest.mark.django_db

VERSIONS = [None, Version("version", 1, 2)]


@contextmanager
def deriving(model: Any, derive: Callable[[Any], None], signal: Any = pre_save) -> Iterator[None]:
    def receive(sender: Any, instance: Any, **rest: Any) -> None:
        derive(instance)

    signal.connect(receive, sender=model)
    try:
        yield
    finally:
        signal.disconnect(receive, sender=model)


def set_points(row: Any) -> None:
    row.points = len(row.title)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("model", "asked", "derived"),
    [
        (Ticket, {"title": "four"}, {"points": 4}),
        (Bundle, {"weight": 5}, {"title": "5 kg"}),  # in the table of the parent
        (Bundle, {"title": "long"}, {"weight": 4}),
        (Edition, {"pages": 7}, {"name": "7 pages"}),
        (Edition, {"name": "x"}, {"pages": 1}),
    ],
)
def test_what_receivers_derive_is_written_in_its_table(
    model: Any, asked: dict[str, Any], derived: dict[str, Any], version: Version | None
):
    row = model.objects.create()
    row = model.objects.get()
    vars(row).update(asked)
    with deriving(model, lambda one: vars(one).update(derived)):
        save_fields(row, set(asked), "default", version)
    stored = model.objects.values().get()
    assert {**stored, **asked, **derived} == stored
    if version is not None:
        assert stored["version"] == 2


def test_nothing_else_is_written():
    Ticket.objects.create(title="a")
    row = Ticket.objects.get()
    Ticket.objects.update(state="done", secret="theirs", author=Author.objects.create())
    row.title = "four"
    with deriving(Ticket, set_points), CaptureQueriesContext(connection) as captured:
        save_fields(row, {"title"}, "default", None)
    [update] = [one["sql"] for one in captured if one["sql"].startswith("UPDATE")]
    for name in ("state", "secret", "author_id", "slug", "owner_id"):
        assert f'"{name}"' not in update
    stored = Ticket.objects.get()
    assert (stored.points, stored.state, stored.secret) == (4, "done", "theirs")
    assert stored.changed > row.changed or stored.changed == row.changed


def test_tables_in_which_nothing_changes_are_not_written():
    row = Bundle.objects.create()
    row.weight = 5
    with CaptureQueriesContext(connection) as captured:
        save_fields(row, {"weight"}, "default", None)
    assert [one["sql"].split()[0] for one in captured].count("UPDATE") == 1
    edition = Edition.objects.create()
    edition.pages = 5
    with CaptureQueriesContext(connection) as captured:
        save_fields(edition, {"pages"}, "default", None)
    assert [one["sql"].split()[0] for one in captured].count("UPDATE") == 1


def test_deferred_fields_stay_unread_and_unwritten_unless_they_are_set():
    Ticket.objects.create(title="a", secret="s")
    row = Ticket.objects.only("title").get()
    row.title = "four"
    with CaptureQueriesContext(connection) as captured:
        save_fields(row, {"title"}, "default", None)
    assert [one["sql"].split()[0] for one in captured] == ["UPDATE"]
    assert "secret" in row.get_deferred_fields()

    def look_and_set(one: Any) -> None:
        one.points = len(one.secret) + 10

    row = Ticket.objects.only("title").get()
    row.title = "five"
    with deriving(Ticket, look_and_set), CaptureQueriesContext(connection) as captured:
        save_fields(row, {"title"}, "default", None)
    [update] = [one["sql"] for one in captured if one["sql"].startswith("UPDATE")]
    assert '"secret"' not in update
    assert Ticket.objects.get().points == 11


def test_what_is_read_again_while_saving_is_not_written_back():
    Ticket.objects.create(title="a")
    row = Ticket.objects.get()
    Ticket.objects.update(secret="theirs")
    row.title = "four"

    def refresh(one: Any) -> None:
        one.refresh_from_db(fields=["secret", "state"])
        one.points = len(one.secret)

    with deriving(Ticket, refresh), CaptureQueriesContext(connection) as captured:
        save_fields(row, {"title"}, "default", None)
    [update] = [one["sql"] for one in captured if one["sql"].startswith("UPDATE")]
    assert '"secret"' not in update
    assert Ticket.objects.get().points == 6


def test_values_that_are_changed_in_place_count():
    row = Everything.objects.create(extra={"a": [1]}, blob=b"x")
    row = Everything.objects.get()
    remember(row)
    assert find_changed(row) == set()
    row.extra["a"].append(2)
    assert find_changed(row) == {"extra"}

    def add(one: Any) -> None:
        one.extra["b"] = True

    row.text = "new"
    with deriving(Everything, add):
        save_fields(row, {"text"}, "default", None)
    assert Everything.objects.get().extra == {"a": [1, 2], "b": True}


def test_true_is_not_one_inside_of_json():
    Everything.objects.create(extra={"a": 1})
    row = Everything.objects.get()
    remember(row)
    row.extra["a"] = True
    assert find_changed(row) == {"extra"}


def test_a_file_counts_by_its_name():
    Everything.objects.create()
    row = Everything.objects.get()
    remember(row)
    assert row.file.name in (None, "")
    assert find_changed(row) == set()
    row.text = "new"
    with deriving(Everything, lambda one: one.file.save("mine.txt", ContentFile(b"x"), save=False)):
        save_fields(row, {"text"}, "default", None)
    assert Everything.objects.get().file.name.startswith("mine")


def test_expressions_are_written_once():
    row = Ticket.objects.create(title="a", points=5)
    row.title = "b"

    def count(one: Any) -> None:
        one.points = F("points") + 1

    def save_again(one: Any) -> None:
        if one.state != "done":
            one.state = "done"
            one.save(update_fields=["state"])

    with deriving(Ticket, save_again, post_save), deriving(Ticket, count):
        save_fields(row, {"title"}, "default", None)
    stored = Ticket.objects.get()
    assert (stored.title, stored.state) == ("b", "done")
    assert stored.points == 7  # each of the saves has counted


def test_keys_and_generated_fields_do_not_count():
    row = Everything.objects.create()
    row = Everything.objects.get()
    remember(row)
    row.pk = None
    row.loud = "other"
    assert find_changed(row) == set()


def test_signals_are_told_of_what_is_written():
    row = Ticket.objects.create(title="a")
    row.title = "four"
    told: list[Any] = []

    def note(sender: Any, update_fields: Any, **rest: Any) -> None:
        told.append(set(update_fields))

    post_save.connect(note, sender=Ticket)
    try:
        with deriving(Ticket, set_points):
            save_fields(row, {"title"}, "default", None)
    finally:
        post_save.disconnect(note, sender=Ticket)
    assert told == [{"title", "points"}]


def test_an_instance_is_as_before_afterwards():
    row = Ticket.objects.create(title="a")
    remember(row)
    row.title = "b"
    save_fields(row, {"title"}, "default", None)
    assert (
        not {SEEN, "save_base", "_save_table", "_do_update", "refresh_from_db"} & vars(row).keys()
    )
