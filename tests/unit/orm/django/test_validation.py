"""What a Django model says against rows: its own methods too."""

from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_vortex.orm.django.validation import TAKEN, validate_drafts
from django_vortex.orm.store import Draft
from tests.unit.orm.crud_bench import CrudBench, row
from tests.unit.orm.models import Author, Booking, Entry, Loose, Ticket

pytestmark = pytest.mark.django_db

BOOKING = "vortex_tests.Booking"


def new(made: Any) -> Draft:
    return Draft(made, True, frozenset())


def changed(known: Any, **values: Any) -> Draft:
    for name, value in values.items():
        setattr(known, name, value)
    return Draft(known, False, frozenset(values))


def errors_of(*drafts: Draft, visible: Any = None) -> list[dict[str, list[str]]]:
    model = type(drafts[0].row)
    if visible is None:
        visible = {field.attname for field in model._meta.concrete_fields}
    validate_drafts(model, drafts, visible, "default")
    return [draft.errors for draft in drafts]


@pytest.fixture(autouse=True)
def nothing_asked() -> None:
    Booking.asked.clear()


def test_a_full_clean_of_the_model_is_called() -> None:
    assert errors_of(new(Booking(room="closed"))) == [{"room": ["This room is closed"]}]
    assert errors_of(new(Booking(room="x" * 21)))[0].keys() == {"room"}


def test_it_does_not_look_at_what_does_not_change() -> None:
    known = Booking.objects.create(room="x" * 30, start=1)
    assert errors_of(changed(known, start=2)) == [{}]
    assert Booking.asked[-1] >= {"id", "room", "end", "code"}
    assert "start" not in Booking.asked[-1]


def test_clean_is_called_with_all_values() -> None:
    known = Booking.objects.create(room="a", start=1, end=5)
    assert errors_of(changed(known, start=6)) == [{"end": ["Ends before it starts"]}]


def test_what_cleaning_changes_is_stored(crud: CrudBench) -> None:
    known = Booking.objects.create(room="a", start=1)
    crud.serve(Booking, fields=["room", "start"])
    [stored] = crud.rows_of(crud.say([row(BOOKING, id=known.pk, start=2)]))
    known.refresh_from_db()
    assert (known.code, known.start, stored.start) == ("a-2", 2, 2)
    crud.rows_of(crud.say([row(BOOKING, id=known.pk, room=" b ")]))
    known.refresh_from_db()
    assert (known.room, known.code) == ("b", "b-2")


def test_errors_of_fields_that_the_peer_cannot_see_name_no_field(crud: CrudBench) -> None:
    crud.serve(Booking, fields=["room", "start"])
    reply = crud.say([row(BOOKING, room="a"), row(BOOKING, room="b", start=10)])
    assert reply.result["errors"] == [
        {"index": 1, "field": "", "messages": ["Ends before it starts"]}
    ]
    assert Booking.objects.count() == 0


def test_clean_that_looks_for_a_row_that_is_not_there_is_no_defect() -> None:
    [errors] = errors_of(new(Booking(room="a", author_id=99)))
    assert errors == {"author_id": ["There is no author 99"]}


def test_a_defect_of_clean_is_one() -> None:
    class Odd(Booking):
        def clean(self) -> None:
            raise ObjectDoesNotExist("Something else")

        class Meta:
            app_label = "vortex_tests"
            proxy = True

    with pytest.raises(ObjectDoesNotExist, match="Something else"):
        errors_of(new(Odd(room="a")))


def test_clean_may_refuse_a_related_row() -> None:
    eve = Author.objects.create(name="Eve")
    assert errors_of(new(Booking(room="a", author_id=eve.pk))) == [{"author_id": ["Not Eve"]}]


def test_parts_of_full_clean_that_the_model_has_are_called() -> None:
    known = Loose.objects.create(name="twin", other=5)
    found = errors_of(
        new(Loose(name="a", other=5)),
        new(Loose(name="b", other=6)),
        new(Loose(name="c", other=9)),
        new(Loose(name="twin")),
        changed(known, name="d"),
    )
    assert found[:2] == [{"other": ["Not five"]}, {"": ["Not six"]}]
    assert [errors.keys() for errors in found[2:]] == [{""}, set(), set()]


def test_uniqueness_of_a_model_with_its_own_is_looked_at() -> None:
    Loose.objects.create(name="a")
    assert errors_of(new(Loose(name="a"))) == [{"name": ["Loose with this Name already exists."]}]


def test_what_is_taken_is_asked_once_for_all_rows() -> None:
    drafts = [new(Entry(title=f"t{n}", slug=f"s{n}", kind=f"k{n}")) for n in range(20)]
    with CaptureQueriesContext(connection) as queries:
        assert errors_of(*drafts) == [{}] * 20
    asked = [query["sql"] for query in queries.captured_queries if "_entry" in query["sql"]]
    assert len([sql for sql in asked if "LOWER" not in sql]) == 3


def test_all_kinds_of_uniqueness_are_told() -> None:
    Entry.objects.create(title="A", slug="a", row=1, number=7, kind="k")
    found = errors_of(
        new(Entry(title="b", slug="a")),
        new(Entry(title="c", row=1, number=7)),
        new(Entry(title="d", kind="k")),
        new(Entry(title="A")),
        new(Entry(title="a", number=7)),
    )
    assert [list(errors) for errors in found] == [["slug"], [""], ["kind"], [""], [""]]


def test_what_changes_is_compared_with_what_does_not() -> None:
    Entry.objects.create(title="a", row=1, number=1)
    known = Entry.objects.create(title="b", row=1, number=2)
    assert errors_of(changed(known, title="c")) == [{}]
    assert list(errors_of(changed(known, number=1))[0]) == [""]


def test_what_the_peer_cannot_see_is_not_named() -> None:
    Entry.objects.create(title="a", slug="x")
    visible = {"id", "title"}
    found = errors_of(new(Entry(title="a")), new(Entry(title="b", slug="x")), visible=visible)
    assert found == [{"": [TAKEN]}, {"slug": [TAKEN]}]


def test_a_field_that_is_wrong_is_looked_for_nowhere() -> None:
    Entry.objects.create(title="a", slug="x")
    with CaptureQueriesContext(connection) as queries:
        [errors] = errors_of(new(Entry(title="b", slug="no slug", kind=None)))
    assert list(errors) == ["slug"]
    assert not any("slug" in query["sql"] for query in queries.captured_queries)


def test_a_validator_of_a_relation_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(value: Any) -> None:
        from django.core.exceptions import ValidationError

        raise ValidationError("Not this one")

    ann = Author.objects.create(name="Ann")
    field: Any = Ticket._meta.get_field("author")
    monkeypatch.setitem(field.__dict__, "validators", [refuse])
    assert errors_of(new(Ticket(title="a", author_id=ann.pk))) == [{"author_id": ["Not this one"]}]
