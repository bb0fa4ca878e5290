"""A handler whose lists are read page by page, for the modules that test orders."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permissions import AllowAny
from django_vortex.testing import SyncPeer, connect
from django_vortex.tuples import TupleRegistry
from django_vortex.wire.codec import Codec

FILT = {"key": "pages"}


class PagingShelf:
    """A model that peers may order by all that has an order.

    Args:
        model: A Django model, a SQLAlchemy class or a table.
        names: What peers may order by.
        options: Of the handler.
    """

    def __init__(self, model: Any, names: Sequence[str], **options: Any) -> None:
        self.payload_io = PayloadIO()
        self.payload_io.bind(codec=Codec(TupleRegistry()))
        options = {"fields": ["id"], "retrieve_all": True, **options}
        self.handler = OrmCrudHandler(
            FILT,
            model,
            ordering=names,
            permission=AllowAny,
            payload_io=self.payload_io,
            **options,
        )

    @contextmanager
    def connected(self) -> Iterator["Reader"]:
        """Connect a peer."""
        with connect(payload_io=self.payload_io) as peer:
            yield Reader(peer)

    def check(self, name: str, count: int) -> None:
        """See that pages in both directions are the whole list."""
        with self.connected() as reader:
            for order in (name, f"-{name}"):
                whole = reader.read(order)
                assert sorted(whole) == list(range(1, count + 1))
                assert reader.read_pages(order, 3) == whole


class Reader:
    """A peer that reads lists."""

    def __init__(self, peer: SyncPeer) -> None:
        self.ask: Callable[..., Any] = peer.request

    def read(self, order: str) -> list[int]:
        """Return the ids of all rows in an order."""
        reply = self.ask({**FILT, "order": [order]})
        assert reply.result is None, reply.result
        return [row.id for row in reply.tuples]

    def read_pages(self, order: str, limit: int) -> list[int]:
        """Return the ids of the rows of all pages."""
        found: list[int] = []
        after: dict[str, str] = {}
        while True:
            reply = self.ask({**FILT, "order": [order], "limit": limit, **after})
            assert reply.result is None, reply.result
            *rows, page = reply.tuples
            found += [row.id for row in rows]
            if page.next is None:
                return found
            assert len(rows) == limit
            assert len(found) < 100, "The pages have no end"
            after = {"after": page.next}
