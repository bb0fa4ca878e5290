"""Lazy values of Django in what handlers answer and push, from threads and from coroutines."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.utils.functional import SimpleLazyObject
from django.utils.translation import activate, gettext_lazy, override

from django_vortex.exceptions import LoadsOnLoop
from django_vortex.handlers import AsyncModelHandler, ModelHandler
from django_vortex.orm.crud.rows_handler import RowsHandler
from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.request import Request
from django_vortex.transports.threads import BlockingPool
from django_vortex.tuples import Tuple, TupleField, TupleRegistry, tuple_type
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload
from tests.support.routing import Bench
from tests.unit.orm.models import Author, Everything

pytestmark = pytest.mark.django_db

FILT = {"key": "lazy"}


class Note(Tuple):
    text = TupleField(default=gettext_lazy("Monday"))
    about: Any = None


@pytest.fixture
def lazy_bench(bench: Bench, tuples: TupleRegistry) -> Iterator[Bench]:
    """A bench whose threads share the connection of the test."""
    tuple_type("t.Author", fields="__all__", registry=tuples)(Author)
    tuple_type("t.Note", registry=tuples)(Note)
    connection = connections["default"]

    pool = BlockingPool(1, "test")

    async def run_sync(function: Any, /) -> Any:
        def run() -> Any:
            connections["default"] = connection
            return function()

        connection.inc_thread_sharing()
        try:
            return await pool.run_sync(run)
        finally:
            connection.dec_thread_sharing()

    bench.payload_io.bind(run_sync=run_sync)
    yield bench
    pool.stop()


@pytest.fixture
def ann() -> Author:
    return Author.objects.create(id=7, name="Ann")


def deferred() -> Author:
    """Make an author whose name is not loaded."""
    return Author.from_db("default", ["id"], [7])


def in_list() -> Any:
    return [deferred()]


def in_payload() -> Any:
    return Payload(tuples=[deferred()])


def lazily() -> Any:
    return SimpleLazyObject(lambda: Author.objects.get())


def lazily_in_list() -> Any:
    return [lazily()]


def lazy_queryset() -> Any:
    return SimpleLazyObject(lambda: Author.objects.all())


INSTANCES = [deferred, in_list, in_payload, lazily, lazily_in_list, lazy_queryset]


@pytest.mark.parametrize("make", INSTANCES)
@pytest.mark.parametrize("is_async", [False, True])
async def test_what_has_to_be_loaded_is_loaded_in_a_thread(
    lazy_bench: Bench, ann: Author, make: Any, is_async: bool
) -> None:
    async def handle_async(request: Request) -> Any:
        return make()

    def handle(request: Request) -> Any:
        return make()

    handler = handle_async if is_async else handle
    kept = PayloadEndpoint(FILT, handler, payload_io=lazy_bench.payload_io)
    [author] = lazy_bench.tuples_of(await lazy_bench.ask_one(dict(FILT)))
    assert (author.id, author.name) == (7, "Ann")
    kept.close()


@pytest.mark.parametrize("make", [deferred, lazily])
async def test_what_is_inside_a_tuple_is_loaded_in_a_thread_too(
    lazy_bench: Bench, ann: Author, make: Any
) -> None:
    async def handle(request: Request) -> Any:
        return [Note(about={"author": make()}), {"again": [make()]}]

    kept = PayloadEndpoint(FILT, handle, payload_io=lazy_bench.payload_io)
    note, plain = lazy_bench.tuples_of(await lazy_bench.ask_one(dict(FILT)))
    assert (note.about["author"].name, plain["again"][0].name) == ("Ann", "Ann")
    kept.close()


async def test_an_update_of_an_asynchronous_model_is_read_in_a_thread(
    lazy_bench: Bench, ann: Author
) -> None:
    class Deferred(AsyncModelHandler):
        async def build_model(self, request: Request) -> Any:
            return [deferred(), Note(about=deferred())]

    handler = Deferred(FILT, payload_io=lazy_bench.payload_io)
    await handler.send_model_update()
    [(envelope, _, _)] = lazy_bench.pushes.made
    author, note = lazy_bench.tuples_of(envelope)
    assert (author.name, note.about.name) == ("Ann", "Ann")


async def test_what_is_sent_on_a_loop_says_that_it_would_have_to_wait(lazy_bench: Bench) -> None:
    envelope = PayloadEnvelope(FILT, Payload(tuples=[deferred()]))
    with pytest.raises(LoadsOnLoop, match=r"`\$\.tuples\[0\]\.name`"):
        envelope.encode_for_all(lazy_bench.codec, None)


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    "result",
    [
        gettext_lazy("Monday"),
        [gettext_lazy("Monday")],
        Payload(tuples=(gettext_lazy("Monday"),)),
    ],
)
async def test_lazy_text_is_one_tuple_of_text(
    lazy_bench: Bench, result: Any, is_async: bool
) -> None:
    async def handle_async(request: Request) -> Any:
        return result

    handler = handle_async if is_async else lambda request: result
    kept = PayloadEndpoint(FILT, handler, payload_io=lazy_bench.payload_io)
    with override("de"):
        reply = await lazy_bench.ask_one(dict(FILT))
    assert lazy_bench.tuples_of(reply) == ["Montag"]
    kept.close()


async def test_lazy_results_are_text_in_the_language_of_who_encodes(lazy_bench: Bench) -> None:
    def handle(request: Request) -> Any:
        activate("fr")
        return PayloadEnvelope(result={"why": [gettext_lazy("Monday")]})

    kept = PayloadEndpoint(FILT, handle, payload_io=lazy_bench.payload_io)
    with override("de"):
        reply = await lazy_bench.ask_one(dict(FILT))
    assert reply.result == {"why": ["lundi"]}
    kept.close()


async def test_a_language_that_a_handler_activates_does_not_outlast_it(lazy_bench: Bench) -> None:
    kept = PayloadEndpoint(FILT, lambda request: activate("fr"), payload_io=lazy_bench.payload_io)
    await lazy_bench.ask_one(dict(FILT))
    kept.close()
    day = gettext_lazy("Monday")
    kept = PayloadEndpoint(FILT, lambda request: day, payload_io=lazy_bench.payload_io)
    assert lazy_bench.tuples_of(await lazy_bench.ask_one(dict(FILT))) == ["Monday"]
    kept.close()


def test_defaults_that_are_lazy_are_text(lazy_bench: Bench) -> None:
    class Notes(ModelHandler):
        def build_model(self, request: Request) -> Any:
            return [Note()]

    handler = Notes(FILT, payload_io=lazy_bench.payload_io)
    with override("de"):
        handler.send_model_update()
    [(envelope, _, _)] = lazy_bench.pushes.made
    assert [note.text for note in lazy_bench.tuples_of(envelope)] == ["Montag"]


@pytest.mark.parametrize("narrow", [lambda rows: rows.only("id"), lambda rows: rows.defer("name")])
def test_rows_are_loaded_with_one_query_whatever_was_deferred(
    lazy_bench: Bench, narrow: Any, django_assert_num_queries: Any
) -> None:
    Author.objects.bulk_create([Author(name=f"{number}") for number in range(3)])
    rows = RowsHandler(
        FILT,
        Author,
        queryset=narrow(Author.objects.order_by("id")),
        payload_io=lazy_bench.payload_io,
    )
    with django_assert_num_queries(1):
        envelope = PayloadEnvelope(FILT, rows.handle(lazy_bench.request(dict(FILT))))
        envelope.encode_for_all(lazy_bench.codec, None)
    assert [author.name for author in lazy_bench.tuples_of(envelope)] == ["0", "1", "2"]


@pytest.mark.parametrize(
    "narrow",
    [
        lambda rows: rows.only("key", "slug"),
        lambda rows: rows.defer("text", "link", "author"),
        lambda rows: rows.defer("author_id", "link"),
    ],
)
def test_what_was_deferred_and_does_not_travel_stays_so(
    lazy_bench: Bench, tuples: TupleRegistry, narrow: Any, django_assert_num_queries: Any
) -> None:
    fields = ["text", "author_id"]
    tuple_type("t.Everything", fields=fields, registry=tuples)(Everything)
    made = Everything.objects.create()
    queryset = narrow(Everything.objects)
    rows = RowsHandler(FILT, Everything, queryset=queryset, payload_io=lazy_bench.payload_io)
    with django_assert_num_queries(1):
        payload = rows.handle(lazy_bench.request(dict(FILT)))
        envelope = PayloadEnvelope(FILT, payload)
        envelope.encode_for_all(lazy_bench.codec, None)
    [told] = payload.tuples
    assert told.pk == made.pk
    assert told.get_deferred_fields().isdisjoint({*fields, "slug"})
    assert "link" in told.get_deferred_fields()
