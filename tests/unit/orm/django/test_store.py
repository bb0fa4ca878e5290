"""Every kind of Django field, out and back."""

import datetime as dt
import decimal
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.django.models import describe_model
from tests.support.told import text_of
from tests.unit.orm.crud_bench import CrudBench, row, ticket
from tests.unit.orm.models import Author, Everything, Novelist, Ticket

pytestmark = pytest.mark.django_db

NAME = "vortex_tests.Everything"

VALUES: dict[str, Any] = {
    "small": -5,
    "big": 2**62,
    "flag": True,
    "ratio": 0.1,
    "price": decimal.Decimal("1234567.89"),
    "text": "a%\n'",
    "link": "https://a.example/",
    "slug": "a-b",
    "address": "2001:db8::1",
    "at": dt.datetime(2024, 1, 2, 3, 4, 5, 678_901, dt.UTC),
    "on": dt.date(2024, 1, 2),
    "clock": dt.time(1, 2, 3, 4),
    "took": dt.timedelta(days=-1, microseconds=3),
    "blob": b"\x00\xff",
    "extra": {"a": [1, None, {"_ct": 2}]},
    "rich": {"a": [1, 2.5]},
    "counted": 4,
}


def test_every_field_goes_out_and_comes_back(crud: CrudBench):
    author = Author.objects.create(name="Ann")
    crud.serve(Everything, fields="__all__")
    plain = {name: VALUES[name] for name in ("extra", "rich")}
    sent = {name: value for name, value in VALUES.items() if name not in plain}
    [made] = crud.rows_of(crud.say([row(NAME, author_id=author.pk, **sent)]))
    assert {name: getattr(made, name) for name in sent} == sent
    stored = Everything.objects.get()
    assert {name: getattr(stored, name) for name in sent} == sent
    assert (made.author_id, made.loud, made.key) == (author.pk, sent["text"].upper(), stored.key)
    assert isinstance(made.key, uuid.UUID)
    Everything.objects.update(**plain)
    [read] = crud.rows_of(crud.say(id=stored.key))
    assert {name: getattr(read, name) for name in plain} == plain


def test_what_the_database_decides_is_none_before_and_known_afterwards(crud: CrudBench):
    crud.serve(Everything, fields="__all__")
    [made] = crud.rows_of(crud.say())
    assert (made.key, made.loud, made.counted, made.small) == (None, None, None, 3)
    sent = row(NAME, key=None, counted=None, link="https://a.example/", slug="s")
    [stored] = crud.rows_of(crud.say([sent]))
    assert (stored.loud, stored.counted) == ("TEXT", 9)


def test_a_file_is_its_address_and_read_only(crud: CrudBench):
    known = Everything.objects.create()
    known.file.save("a.txt", ContentFile(b"x"))
    crud.serve(Everything, fields=["file"])
    [read] = crud.rows_of(crud.say(id=str(known.pk)))
    assert read.file == known.file.url
    reply = crud.say([row(NAME, key=known.pk, file="/etc/passwd")])
    assert crud.errors_of(reply) == [(0, "file")]


def test_a_child_with_a_table_of_its_own(crud: CrudBench):
    crud.serve(Novelist, fields=["name", "genre"])
    name = "vortex_tests.Novelist"
    [made] = crud.rows_of(crud.say([row(name, name="Ann", genre="sf")]))
    assert (made.name, made.genre, made.author_ptr_id) == ("Ann", "sf", Author.objects.get().pk)
    crud.say([row(name, author_ptr_id=made.author_ptr_id, name="Bob")])
    assert (Author.objects.get().name, Novelist.objects.get().genre) == ("Bob", "sf")


def test_a_new_child_takes_over_no_row_of_its_parent(crud: CrudBench):
    others = Author.objects.create(name="Bob")
    crud.serve(Novelist, fields=["name", "genre"], client_keys=True)
    name = "vortex_tests.Novelist"
    reply = crud.say([row(name, author_ptr_id=others.pk, name="mine", genre="sf")])
    assert reply.result["error"] == "validation"
    assert (Author.objects.get().name, Novelist.objects.count()) == ("Bob", 0)
    [made] = crud.rows_of(crud.say([row(name, author_ptr_id=77, name="Ann", genre="sf")]))
    assert (made.author_ptr_id, Author.objects.get(pk=77).name) == (77, "Ann")


def test_the_key_of_a_parent_is_no_field_to_set(crud: CrudBench):
    fields = describe_model(Novelist).fields
    assert fields["id"].is_read_only
    assert not fields["author_ptr_id"].is_read_only


def test_what_a_model_needs_is_known():
    spec = describe_model(Ticket)
    assert spec.fields["title"].is_required
    assert not spec.fields["points"].is_required
    assert spec.fields["changed"].is_read_only
    assert describe_model(Group).fields["permissions"].is_many
    assert spec.key_names == ("id",)
    assert not spec.relations["author"].is_many
    assert describe_model(Group).relations["user_set"].is_many


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"title": "forbidden"}, "title"),
        ({"title": "open"}, ""),
        ({"slug": "no slug!"}, "slug"),
        ({"slug": "taken"}, "slug"),
        ({"title": "taken"}, ""),
        ({"points": -1}, ""),
        ({"points": 2**70}, "points"),
        ({"author_id": 99}, "author_id"),
        ({"state": "x"}, "state"),
    ],
)
@pytest.mark.parametrize("is_new", [True, False])
def test_the_model_is_asked(crud: CrudBench, sent: dict[str, Any], field: str, is_new: bool):
    ticket(title="taken", slug="taken")
    known = ticket(title="mine")
    crud.serve(fields=["title", "slug", "points", "author_id", "state"])
    reply = crud.say([row(**{**({"title": "new"} if is_new else {"id": known.pk}), **sent})])
    assert crud.errors_of(reply)[0][1] == field
    assert Ticket.objects.count() == 2


@pytest.mark.parametrize(
    "queryset", [lambda: Ticket.objects.all()[:1], lambda: Author.objects.all(), lambda: [1]]
)
def test_a_queryset_that_cannot_be_one_is_told_to_the_programmer(
    crud: CrudBench, queryset: Any, caplog: Any
):
    crud.serve(get_queryset=lambda request: queryset())
    assert "could not answer" in text_of(crud.say(id=1).result)
    assert DefinitionError.__name__ in caplog.text
