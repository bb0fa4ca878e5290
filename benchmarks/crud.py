# ruff: noqa: E402 - models can be imported only when Django is set up
"""CRUD: 1000 rows retrieved and 100 saved, against ``ModelSerializer`` of Django REST framework.

Both sides render the same rows of the same table of SQLite in memory, from the request in the
process to the bytes of its answer: ours inflated and base64 as our own clients get it, theirs the
JSON of ``JSONRenderer``. The number of SQL statements is compared with the fewest there can be.
"""

import asyncio
import datetime as dt
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")

import django

django.setup()

# Models may be imported only now.
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.renderers import JSONRenderer
from rest_framework.serializers import ModelSerializer
from sqlalchemy import StaticPool, create_engine, event, insert
from sqlalchemy.orm import sessionmaker

from benchmarks import goals
from benchmarks.crud_models import FIELDS, AlchemyCustomer, AlchemyOrder, Base, Customer, Order
from benchmarks.operations import Operations, in_process
from benchmarks.results import Result, compare, format_table, interleave
from django_vortex import AllowAny
from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.routing.request import MESSAGE_ID, Request
from django_vortex.testing.inline import run_inline
from django_vortex.tuples import TupleRegistry
from django_vortex.wire.bodies import EncodedBody
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload

ROWS: Final = 1000
SAVED: Final = 100
ROUNDS: Final = 9
NOON: Final = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)
PEER: Final = Peer(uuid="bench", name="bench")


class OrderSerializer(ModelSerializer):
    """What an application of Django REST framework writes."""

    class Meta:
        model = Order
        fields = FIELDS


class CustomerSerializer(ModelSerializer):
    """The related row."""

    class Meta:
        model = Customer
        fields = ("id", "name")


class NestedOrderSerializer(ModelSerializer):
    """The same with its related row inside."""

    customer = CustomerSerializer()

    class Meta:
        model = Order
        fields = (*FIELDS, "customer")


class Side:
    """Our side over one store."""

    def __init__(self, model: Any, **options: Any) -> None:
        # Not `asyncio.run`: its handler of SIGINT writes the whole reply down with `repr`.
        self._loop = asyncio.new_event_loop()
        self.codec = Codec(TupleRegistry())
        self.payload_io = PayloadIO(clock=lambda: NOON)
        self.payload_io.bind(run_sync=run_inline, codec=self.codec)
        kinds: dict[str, dict[str, Any]] = {
            "Order": {},
            "NestedOrder": {"nested": {"customer": ["id", "name"]}},
            "VersionedOrder": {"version_field": "quantity"},
        }
        self.handlers = [
            OrmCrudHandler(
                {"key": f"bench.{name}"},
                model,
                fields=FIELDS,
                type_name=f"bench.{name}",
                retrieve_all=True,
                permission=AllowAny,
                payload_io=self.payload_io,
                **kind,
                **options,
            )
            for name, kind in kinds.items()
        ]
        self.bodies = [
            self._make_body("bench.Order", quantity=1000 + number, note=f"changed {number}")
            for number in (0, 1)
        ]
        self.turn = 0

    def retrieve(self, key: str = "bench.Order") -> int:
        """Answer with all rows and give the size of it."""
        [reply] = self._loop.run_until_complete(
            self.payload_io.process(self._request({"key": key}, None))
        )
        assert reply.result is None, reply.result
        return len(reply.encoded(self.codec, Dialect.NATIVE, NOON) or b"")

    def retrieve_nested(self) -> int:
        """Answer with all rows and their related rows."""
        return self.retrieve("bench.NestedOrder")

    def save(self) -> None:
        """Save rows that have changed."""
        self.turn += 1
        self._save("bench.Order", self.bodies[self.turn % 2])

    def prepare_versioned_save(self) -> Callable[[], None]:
        """Return what saves rows that have a version, as they are now."""
        body = self._make_body("bench.VersionedOrder", note="changed again")
        return lambda: self._save("bench.VersionedOrder", body)

    def _save(self, key: str, body: EncodedBody) -> None:
        [reply] = self._loop.run_until_complete(
            self.payload_io.process(self._request({"key": key}, body))
        )
        assert reply.result is True, reply.result

    def _request(self, filt: dict[str, Any], body: EncodedBody | None) -> Request:
        envelope = PayloadEnvelope.received({**filt, MESSAGE_ID: "m"}, body)
        return Request(envelope, PEER, codec=self.codec, dialect=Dialect.NATIVE)

    def _make_body(self, key: str, **changes: Any) -> EncodedBody:
        [reply] = self._loop.run_until_complete(
            self.payload_io.process(self._request({"key": key}, None))
        )
        text = reply.encoded(self.codec, Dialect.NATIVE, NOON)
        assert text is not None
        rows = self.codec.decode_payload(text, Dialect.NATIVE).tuples[:SAVED]
        for row in rows:
            for name, value in changes.items():
                setattr(row, name, value)
        encoded = self.codec.encode_payload(Payload({}, rows), Dialect.NATIVE, NOON)
        return EncodedBody(encoded.text, Dialect.NATIVE)


class RestSide:
    """The other side: what views of lists and bulk updates do."""

    def __init__(self) -> None:
        rows = OrderSerializer(Order.objects.order_by("id")[:SAVED], many=True).data
        self.bodies = [
            json.dumps([{**row, "quantity": 1000 + n, "note": f"changed {n}"} for row in rows])
            for n in (0, 1)
        ]
        self.turn = 0

    def retrieve(self) -> int:
        """Render all rows."""
        return len(JSONRenderer().render(OrderSerializer(Order.objects.all(), many=True).data))

    def retrieve_nested(self) -> int:
        """Render all rows with their related rows."""
        orders = Order.objects.select_related("customer")
        return len(JSONRenderer().render(NestedOrderSerializer(orders, many=True).data))

    def save(self) -> None:
        """Save rows that have changed, in one transaction, and render them."""
        self.turn += 1
        content = json.loads(self.bodies[self.turn % 2])
        with transaction.atomic():
            known = Order.objects.in_bulk([row["id"] for row in content])
            saved = []
            for row in content:
                serializer = OrderSerializer(known[row["id"]], data=row)
                serializer.is_valid(raise_exception=True)
                serializer.save()
                saved.append(serializer.data)
        JSONRenderer().render(saved)


def make_rows() -> list[dict[str, Any]]:
    """Return the values of all rows."""
    return [
        {
            "id": number + 1,
            "customer_id": number % 10 + 1,
            "name": f"order {number}",
            "price": Decimal(number) / 100,
            "quantity": number % 50,
            "active": bool(number % 2),
            "created": NOON + dt.timedelta(seconds=number),
            "due": NOON.date() if number % 3 else None,
            "note": "lorem ipsum " * (number % 4),
        }
        for number in range(ROWS)
    ]


def fill_django() -> None:
    """Make and fill the tables of Django."""
    with connection.schema_editor() as editor:
        editor.create_model(Customer)
        editor.create_model(Order)
    Customer.objects.bulk_create(Customer(name=f"customer {number}") for number in range(10))
    Order.objects.bulk_create(Order(**row) for row in make_rows())


def fill_sqlalchemy() -> Any:
    """Make and fill those of SQLAlchemy and give the engine."""
    engine = create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    Base.metadata.create_all(engine)
    rows = [{**row, "created": row["created"].replace(tzinfo=None)} for row in make_rows()]
    with engine.begin() as link:
        link.execute(insert(AlchemyCustomer), [{"name": f"customer {n}"} for n in range(10)])
        link.execute(insert(AlchemyOrder), rows)
    return engine


def duration(run: Callable[[], object]) -> Callable[[], float]:
    """Return a measurement of one run in milliseconds of this thread's processor time."""

    def measurement() -> float:
        start = time.thread_time()
        run()
        return (time.thread_time() - start) * 1000

    return measurement


def count_django(run: Callable[[], object]) -> int:
    """Count the statements on rows; those of transactions are none."""
    with CaptureQueriesContext(connection) as captured:
        run()
    return sum(
        query["sql"].startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))
        for query in captured.captured_queries
    )


def count_sqlalchemy(engine: Any, run: Callable[[], object]) -> int:
    """Count the statements of an engine; of an ``executemany`` every row counts."""
    counted: list[int] = []

    def note(link: Any, cursor: Any, statement: str, values: Any, context: Any, many: bool) -> None:
        counted.append(len(values) if many else 1)

    event.listen(engine, "before_cursor_execute", note)
    run()
    event.remove(engine, "before_cursor_execute", note)
    return sum(counted)


def make_sides(engine: Any) -> dict[str, Side]:
    """Return our side over each store, whose tables are filled."""
    return {
        "Django": Side(Order),
        "SQLAlchemy": Side(AlchemyOrder, session_factory=sessionmaker(engine)),
    }


@contextmanager
def operations() -> Iterator[Operations]:
    """Return our side: lists and saves over either store."""
    fill_django()
    engine = fill_sqlalchemy()
    yield {
        f"{what} of {name}": in_process(run)
        for name, side in make_sides(engine).items()
        for what, run in (
            (f"retrieve {ROWS} rows", side.retrieve),
            (f"retrieve {ROWS} rows with a relation", side.retrieve_nested),
            (f"save {SAVED} rows", side.save),
        )
    }
    engine.dispose()


def measure() -> list[Result]:
    """Compare both stores."""
    fill_django()
    engine = fill_sqlalchemy()
    rest = RestSide()
    sides = make_sides(engine)
    measurements = {
        f"{name} {what}": duration(run)
        for name, side in {"rest": rest, **sides}.items()
        for what, run in (
            ("retrieve", side.retrieve),
            ("nested", side.retrieve_nested),
            ("save", side.save),
        )
    }
    medians = interleave(measurements, rounds=ROUNDS)
    results = [
        compare(
            f"{text} of {name} against ModelSerializer",
            medians[f"{name} {what}"],
            medians[f"rest {what}"],
            "ms",
            goal=goal,
            is_less_better=True,
        )
        for name in sides
        for what, text, goal in (
            ("retrieve", f"retrieve {ROWS} rows", goals.CRUD_RETRIEVE_OVER_REST),
            ("nested", f"retrieve {ROWS} rows with a relation", goals.CRUD_NESTED_OVER_REST),
            ("save", f"save {SAVED} rows", goals.CRUD_SAVE_OVER_REST),
        )
    ]
    counts: dict[str, Callable[[Callable[[], object]], int]] = {
        "Django": count_django,
        "SQLAlchemy": lambda run: count_sqlalchemy(engine, run),
    }
    for name, side in sides.items():
        for what, run, fewest in (
            ("retrieve", side.retrieve, 1),
            ("retrieve with a relation", side.retrieve_nested, 2),
            ("save with a version", side.prepare_versioned_save(), 2 + SAVED),
            ("save", side.save, 2 + SAVED),
        ):
            made = counts[name](run)
            results.append(
                compare(
                    f"SQL statements to {what} of {name} against the fewest",
                    made,
                    fewest,
                    "statements",
                    goal=goals.CRUD_STATEMENTS,
                    is_less_better=True,
                )
            )
    return results


if __name__ == "__main__":
    print(format_table(measure()))
