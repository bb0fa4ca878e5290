"""Writing fields, only if the row is as it was seen, in as few statements as there can be."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.signals import post_save, pre_save
from django.test.utils import CaptureQueriesContext

from django_vortex.orm.django.saving import claim, save_fields
from django_vortex.orm.store import StaleRow, Version
from tests.unit.orm.models import Bundle, Edition, Report, Ticket

pytestmark = pytest.mark.django_db

SEEN = Version("version", 1, 2)


def count_updates(run: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        run()
    return sum(query["sql"].startswith("UPDATE") for query in captured)


def test_a_version_is_written_with_the_fields():
    row = Ticket.objects.create(title="a", points=5)
    row.title, row.points = "b", 6
    assert count_updates(lambda: save_fields(row, {"title"}, "default", SEEN)) == 1
    assert row.version == 2
    stored = Ticket.objects.get()
    assert (stored.title, stored.points, stored.version) == ("b", 5, 2)


def test_a_version_may_be_all_there_is_to_write():
    row = Ticket.objects.create(title="a")
    assert count_updates(lambda: save_fields(row, (), "default", SEEN)) == 1
    assert Ticket.objects.get().version == 2


def test_nothing_to_write_is_no_statement():
    row = Ticket.objects.create(title="a")
    assert count_updates(lambda: save_fields(row, (), "default", None)) == 0


PLACES = [
    (Ticket, "title"),
    (Report, "title"),
    (Bundle, "title"),
    (Bundle, "weight"),
    (Edition, "name"),
    (Edition, "pages"),
]
"""Models with a field; the version and the field may be in tables of their own."""


@pytest.mark.parametrize(("model", "name"), PLACES)
def test_a_row_that_was_changed_meanwhile_is_not_written(model: Any, name: str):
    row = model.objects.create()
    model.objects.update(version=7)
    before = model.objects.values().get()
    setattr(row, name, 8)
    with pytest.raises(StaleRow), transaction.atomic():
        save_fields(row, {name}, "default", SEEN)
    assert model.objects.values().get() == before


@pytest.mark.parametrize(("model", "name"), PLACES)
def test_a_row_that_is_as_it_was_seen_is_written_wherever_its_fields_are(model: Any, name: str):
    row = model.objects.create()
    setattr(row, name, 8)
    save_fields(row, {name}, "default", SEEN)
    stored = model.objects.get()
    assert (str(getattr(stored, name)), stored.version) == ("8", 2)


def test_the_transaction_goes_on_behind_a_stale_row():
    row = Ticket.objects.create(title="a")
    Ticket.objects.update(version=7)
    with pytest.raises(StaleRow):
        save_fields(row, {"title"}, "default", SEEN)
    assert Ticket.objects.get().version == 7


@pytest.mark.parametrize("version", [None, SEEN])
def test_a_row_that_is_gone_is_not_made_again(version: Version | None):
    row = Ticket.objects.create(title="a")
    Ticket.objects.all().delete()
    with pytest.raises(StaleRow):
        save_fields(row, {"title"}, "default", version)
    assert not Ticket.objects.exists()


def test_signals_are_sent_and_the_instance_is_as_before_afterwards():
    row = Ticket.objects.create(title="a")
    sent: list[Any] = []

    def note(sender: Any, instance: Any, update_fields: Any, **rest: Any) -> None:
        sent.append(update_fields)

    pre_save.connect(note, sender=Ticket)
    post_save.connect(note, sender=Ticket)
    try:
        save_fields(row, {"title"}, "default", SEEN)
    finally:
        pre_save.disconnect(note, sender=Ticket)
        post_save.disconnect(note, sender=Ticket)
    assert sent == [{"title", "version"}] * 2
    assert "_do_update" not in vars(row)
    row.save()


def test_a_claim_counts_once():
    row = Ticket.objects.create(title="a")
    claim(row, "default", SEEN)
    assert Ticket.objects.get().version == row.version == 2
    with pytest.raises(StaleRow):
        claim(row, "default", SEEN)
