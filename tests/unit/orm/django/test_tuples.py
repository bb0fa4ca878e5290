"""Django models travel as they are, and nothing that is loaded asks the database."""

import asyncio
import datetime
import decimal
import uuid
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.functional import SimpleLazyObject

from django_vortex.exceptions import DefinitionError, LoadsOnLoop, MalformedMessage
from django_vortex.orm.django import files
from django_vortex.tuples import TupleRegistry, present_fields, tuple_type
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.payload import Payload
from tests.crud.django_models import Seat
from tests.unit.orm.models import Author, Everything, Guarded, Novelist, Pseudonym
from tests.unit.orm.travelling import rebuilt, sent, types_of

pytestmark = pytest.mark.django_db

VALUES: dict[str, Any] = {
    "key": uuid.UUID(int=5),
    "author_id": 7,
    "small": 4,
    "big": 2**60,
    "flag": True,
    "ratio": 1.0,
    "price": decimal.Decimal("9.90"),
    "state": "open",
    "text": "ä",
    "link": "https://example.org",
    "slug": "a-b",
    "address": "::1",
    "path": "/tmp/x",
    "at": datetime.datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.UTC),
    "on": datetime.date(2024, 1, 2),
    "clock": datetime.time(3, 4),
    "took": datetime.timedelta(seconds=90),
    "blob": b"\0\1",
    "extra": {"_ct": "x", "1": [1, None, {"a": 2.5}]},
    "rich": {"a": 1},
    "file": "a.txt",
    "image": "a.png",
}


def test_every_kind_of_field_has_its_type(tuples: TupleRegistry) -> None:
    tuple_type("t.Everything", fields="__all__", registry=tuples)(Everything)
    assert types_of(tuples, Everything) == {
        **{name: type(value) for name, value in VALUES.items()},
        "extra": None,
        "rich": None,
        "loud": str,
        "counted": int,
    }


@pytest.mark.parametrize("source", ["made here", "read from the database"])
def test_an_instance_comes_back_equal(tuples: TupleRegistry, source: str) -> None:
    tuple_type("t.Everything", fields="__all__", exclude=["loud", "counted"], registry=tuples)(
        Everything
    )
    values = dict(VALUES)
    instance: Any = Everything(**{**values, "author_id": None})
    if source == "read from the database":
        instance.author = Author.objects.create(id=7, name="Ann")
        instance.save()
        instance = Everything.objects.get()
    else:
        instance.author_id = 7
    codec = Codec(tuples)
    with CaptureQueriesContext(connection) as queries:
        again = codec.decode_value(codec.encode_value(instance, Dialect.NATIVE), Dialect.NATIVE)
    assert queries.captured_queries == []
    assert type(again) is Everything
    assert {name: again.__dict__[name] for name in values} == values
    assert again._state.adding
    assert again._state.db is None


def test_fields_are_chosen_or_excluded(tuples: TupleRegistry) -> None:
    tuple_type("t.Author", fields=["name"], registry=tuples)(Author)
    tuple_type("t.Guarded", fields="__all__", exclude=["secret"], registry=tuples)(Guarded)
    assert list(types_of(tuples, Author)) == ["name"]
    assert list(types_of(tuples, Guarded)) == ["id", "name"]


@pytest.mark.parametrize("narrow", [lambda rows: rows.only("id"), lambda rows: rows.defer("name")])
def test_a_deferred_field_is_loaded(tuples: TupleRegistry, narrow: Any) -> None:
    tuple_type("t.Author", fields="__all__", registry=tuples)(Author)
    Author.objects.create(id=7, name="Ann")
    [author] = narrow(Author.objects)
    assert sent(tuples, author)["name"] == "Ann"


async def test_a_deferred_field_is_not_loaded_on_a_loop(tuples: TupleRegistry) -> None:
    tuple_type("t.Author", fields="__all__", registry=tuples)(Author)
    author = Author.from_db("default", ["id"], [7])
    with pytest.raises(LoadsOnLoop, match=r"Author.name is deferred .* at `\$\.tuples\[0\]\.name`"):
        Codec(tuples).encode_payload(Payload({}, [author]), Dialect.NATIVE)


def test_a_new_instance_has_nothing_that_only_the_database_knows(tuples: TupleRegistry) -> None:
    tuple_type("t.Author", fields="__all__", registry=tuples)(Author)
    author = Author(name="Ann")
    del author.__dict__["id"]
    assert sent(tuples, author)["id"] is None


def test_a_lazy_instance_travels_as_the_instance(tuples: TupleRegistry) -> None:
    tuple_type("t.Author", fields="__all__", registry=tuples)(Author)
    author = Author.objects.create(id=7, name="Ann")
    lazily = SimpleLazyObject(lambda: Author.objects.get())
    assert sent(tuples, lazily) == sent(tuples, author)
    payload = Payload({}, [SimpleLazyObject(lambda: Author.objects.get())])
    text = Codec(tuples).encode_payload(payload, Dialect.D2).text
    [again] = Codec(tuples).decode_payload(text, Dialect.D2).tuples
    assert (again.id, again.name) == (7, "Ann")


async def test_a_lazy_instance_is_not_loaded_on_a_loop(tuples: TupleRegistry) -> None:
    tuple_type("t.Author", fields="__all__", registry=tuples)(Author)
    lazily = SimpleLazyObject(lambda: Author.objects.get())
    with pytest.raises(LoadsOnLoop, match=r"would be loaded on the event loop.* at `\$\.a\[0\]`"):
        Codec(tuples).encode_value({"a": [lazily]}, Dialect.NATIVE)


async def test_an_instance_can_be_written_on_a_loop(tuples: TupleRegistry) -> None:
    tuple_type("t.Everything", fields="__all__", registry=tuples)(Everything)
    assert asyncio.get_running_loop().is_running()
    assert sent(tuples, Everything(author_id=7))["author_id"] == {"_ft": "int", "_fd": 7}


def test_a_related_object_is_not_loaded(tuples: TupleRegistry) -> None:
    tuple_type("t.Everything", fields=["key", "author_id"], registry=tuples)(Everything)
    Everything.objects.create(author=Author.objects.create(id=7, name="Ann"))
    everything = Everything.objects.get()
    with CaptureQueriesContext(connection) as queries:
        assert sent(tuples, everything)["author_id"] == {"_ft": "int", "_fd": 7}
    assert queries.captured_queries == []


def test_what_the_database_has_yet_to_decide_travels_as_none(tuples: TupleRegistry) -> None:
    tuple_type("t.Everything", fields=["loud", "counted"], registry=tuples)(Everything)
    assert sent(tuples, Everything(text="a")) == {
        "_ct": "rt",
        "_c": "t.Everything",
        "loud": None,
        "counted": None,
    }


def test_a_file_travels_as_its_address_also_after_it_was_looked_at(tuples: TupleRegistry) -> None:
    tuple_type("t.Everything", fields=["file"], registry=tuples)(Everything)
    instance = Everything()
    assert sent(tuples, instance)["file"] is None
    instance.file.save("b c.txt", ContentFile(b"x"), save=False)
    assert sent(tuples, instance)["file"] == instance.file.url
    again = rebuilt(tuples, "t.Everything", file=instance.file.url)
    assert again.file.name == instance.file.name
    assert again.file.read() == b"x"


def test_no_file_is_none(tuples: TupleRegistry) -> None:
    tuple_type("t.Everything", fields=["file", "image"], registry=tuples)(Everything)
    for nothing in (None, ""):
        written = sent(tuples, Everything(file=nothing, image=nothing))
        assert (written["file"], written["image"]) == (None, None)


class Unaddressed(Storage):
    """A storage whose addresses are wanted in vain."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def url(self, name: str | None) -> str:
        raise self.error


@pytest.mark.parametrize(
    ("error", "lines"),
    [(NotImplementedError(), 0), (ValueError(), 0), (RuntimeError("offline"), 1)],
)
def test_a_file_travels_as_its_name_where_there_is_no_address(
    tuples: TupleRegistry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    lines: int,
) -> None:
    tuple_type("t.Everything", fields=["file"], registry=tuples)(Everything)
    monkeypatch.setattr(Everything._meta.get_field("file"), "storage", Unaddressed(error))
    monkeypatch.setattr(files, "_reported", set())
    for _ in range(3):
        assert sent(tuples, Everything(file="a/b.txt"))["file"] == "a/b.txt"
    assert len(caplog.records) == lines
    again = rebuilt(tuples, "t.Everything", file="https://elsewhere/a.txt?key=1")
    assert sent(tuples, again)["file"] == "https://elsewhere/a.txt?key=1"


def test_bytes_from_a_driver_that_gives_views_travel(tuples: TupleRegistry) -> None:
    tuple_type("t.Everything", fields=["blob"], registry=tuples)(Everything)
    assert sent(tuples, Everything(blob=memoryview(b"ab")))["blob"] == {
        "_ft": "bytes",
        "_fd": "YWI=",
    }


def test_json_travels_as_it_is(tuples: TupleRegistry) -> None:
    tuple_type("t.Everything", fields=["extra"], registry=tuples)(Everything)
    extra = {"_ct": "rt", "1": 1}
    assert sent(tuples, Everything(extra=extra))["extra"] == extra
    assert rebuilt(tuples, "t.Everything", extra=extra).extra == extra


def test_a_peer_sets_declared_fields_only(tuples: TupleRegistry) -> None:
    tuple_type("t.Guarded", fields="__all__", exclude=["secret"], registry=tuples)(Guarded)
    built = rebuilt(tuples, "t.Guarded", name="evil", secret="mine", save="x", _state="y")
    assert (built.name, built.secret) == ("evil", "s")
    assert callable(built.save)
    assert built._state.adding


def test_what_a_peer_leaves_out_has_its_default_and_is_known(tuples: TupleRegistry) -> None:
    tuple_type("t.Everything", fields="__all__", registry=tuples)(Everything)
    with CaptureQueriesContext(connection) as queries:
        built = rebuilt(tuples, "t.Everything", big=5)
        assert (built.big, built.small, built.text, built.author_id) == (5, 3, "text", None)
        assert isinstance(built.key, uuid.UUID)
    assert queries.captured_queries == []
    assert present_fields(built, registry=tuples) == {"big"}


def test_a_built_instance_can_be_saved(tuples: TupleRegistry) -> None:
    tuple_type("t.Author", fields="__all__", registry=tuples)(Author)
    rebuilt(tuples, "t.Author", name="Ann").save()
    assert [author.name for author in Author.objects.all()] == ["Ann"]


def test_an_image_that_a_peer_names_is_not_opened(tuples: TupleRegistry) -> None:
    tuple_type("t.Everything", fields="__all__", registry=tuples)(Everything)
    built = rebuilt(tuples, "t.Everything", image="../../etc/passwd")
    assert built.__dict__["image"] == "../../etc/passwd"


def test_a_value_of_a_wrong_type_is_refused(tuples: TupleRegistry) -> None:
    tuple_type("t.Author", fields="__all__", registry=tuples)(Author)
    with pytest.raises(MalformedMessage, match=r"Expected `str`, got 5 - at `\$.name`"):
        rebuilt(tuples, "t.Author", name=5)


@pytest.mark.parametrize("child", [Novelist, Pseudonym])
def test_children_and_proxies_travel_as_their_registered_base(
    tuples: TupleRegistry, child: type[Author]
) -> None:
    tuple_type("t.Author", fields=["name"], registry=tuples)(Author)
    assert sent(tuples, child(name="Ann")) == sent(tuples, Author(name="Ann"))
    assert sent(tuples, child(name="Ann")).keys() == {"_ct", "_c", "name"}


@pytest.mark.parametrize("child", [Author, Novelist, Pseudonym])
def test_a_model_names_the_fields_that_travel(tuples: TupleRegistry, child: type[Author]) -> None:
    with pytest.raises(DefinitionError, match=r"fields=\['id', 'name'.*fields='__all__'"):
        tuple_type("t.Author", registry=tuples)(child)


def test_a_child_has_the_fields_of_its_base(tuples: TupleRegistry) -> None:
    tuple_type("t.Novelist", fields="__all__", registry=tuples)(Novelist)
    assert types_of(tuples, Novelist) == {
        "id": int,
        "name": str,
        "author_ptr_id": int,
        "genre": str,
    }


def test_primary_key_tells_rows_apart(tuples: TupleRegistry) -> None:
    def names(model: Any) -> list[str]:
        found = tuples.adapters.require(model).get_key_names(model)
        return list(found)

    assert names(Author) == ["id"]
    assert names(Everything) == ["key"]
    assert names(Novelist) == ["author_ptr_id"]
    assert names(Pseudonym) == ["id"]
    assert names(Seat) == ["row", "number"]


def test_deferred_columns_leave_the_key(tuples: TupleRegistry) -> None:
    Author.objects.create(name="a")
    (found,) = Author.objects.defer("name")
    assert vars(found)["id"] == found.pk
