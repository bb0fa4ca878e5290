"""Two rows of a model with every field, and the handler that serves it."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections
from django.test.utils import CaptureQueriesContext

from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.orm.model_spec import Shape
from django_vortex.orm.store import Order, Scope, Unit
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permissions import AllowAny
from django_vortex.testing import SyncPeer, connect
from django_vortex.tuples import TupleRegistry
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect

FILT = {"key": "kinds"}


class Shelf:
    """A model that is filled behind its handler.

    Args:
        model: What is served, with all its fields.
        alias: The database.
    """

    def __init__(self, model: Any, alias: str) -> None:
        self.model = model
        self.alias = alias
        self._shapes: dict[str, Shape] = {}
        self.payload_io = PayloadIO()
        self.payload_io.bind(codec=Codec(TupleRegistry()))
        self.handler = OrmCrudHandler(
            FILT,
            model,
            fields="__all__",
            version_field="version",
            permission=AllowAny,
            using=alias,
            payload_io=self.payload_io,
        )

    @property
    def rows(self) -> Any:
        return self.model._base_manager.using(self.alias)

    def put(self, **values: Any) -> None:
        """Store row 1 as the application would, and an empty row 2."""
        self.rows.all().delete()
        self.rows.create(id=1, **values)
        self.rows.create(id=2)

    def stored(self, key: int, name: str) -> Any:
        """Return what Django reads of a row."""
        [value] = self.rows.filter(id=key).values_list(name, flat=True)
        return bytes(value) if isinstance(value, memoryview) else value

    def read_both_ways(self, name: str) -> tuple[list[Any] | None, list[Any]]:
        """Return the values of a field in all rows: without instances, if possible, and of them."""
        spec = self.handler.plan.main.spec
        shape = self._shapes.setdefault(name, Shape(spec, ("id", name)))

        def work(unit: Unit) -> tuple[list[Any] | None, list[Any]]:
            rows = unit.rows(shape, Scope())
            plain = rows.find_values(order=[Order("id")])
            whole = [rows.values(row)[name] for row in rows.find(order=[Order("id")])]
            return None if plain is None else [row[1] for row in plain], whole

        return self.handler.store.run_here(work)

    @contextmanager
    def connected(self, dialect: Dialect = Dialect.NATIVE) -> Iterator["Talk"]:
        """Connect a peer."""
        with connect(dialect=dialect, payload_io=self.payload_io) as peer:
            yield Talk(peer)

    @contextmanager
    def counting_updates(self) -> Iterator[list[str]]:
        """Return the statements that change something, when the context is left."""
        changes: list[str] = []
        with CaptureQueriesContext(connections[self.alias]) as captured:
            yield changes
        for query in captured.captured_queries:
            if query["sql"].split()[0] in ("UPDATE", "INSERT", "DELETE"):
                changes.append(query["sql"])


class Talk:
    """What a peer says to the handler of a shelf."""

    def __init__(self, peer: SyncPeer) -> None:
        self.peer = peer

    def fetch(self, key: Any) -> Any:
        """Return a row as it came through the wire."""
        reply = self.peer.request({**FILT, "id": key})
        assert reply.result is None, reply.result
        [came] = reply.tuples
        return came

    def save(self, *tuples: Any) -> Any:
        """Save rows and give the result."""
        return self.peer.request(FILT, tuples).result


def are_equal(one: Any, other: Any) -> bool:
    """Compare as `==`, types included, but NaN equals NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(are_equal(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(are_equal, one, other))
    if one != one:
        return bool(other != other)
    if isinstance(one, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    return bool(one == other)
