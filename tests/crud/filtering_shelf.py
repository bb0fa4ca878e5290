"""A handler whose lists are filtered by what was read of their rows, for modules that test that."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.orm.crud.listing import Listing
from django_vortex.orm.crud.stores import make_store
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permissions import AllowAny
from django_vortex.testing import SyncPeer, connect
from django_vortex.tuples import TupleRegistry
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect

LOOKUPS = ("exact", "in", "lt", "lte", "gt", "gte", "range")


class FilteringShelf:
    """A model that peers may filter by all that can be compared.

    Args:
        model: A Django model, a SQLAlchemy class or a table.
        names: What peers read; they filter by what of it can be declared.
        options: Of the handler.
    """

    def __init__(self, model: Any, names: Sequence[str], **options: Any) -> None:
        self.payload_io = PayloadIO()
        self.payload_io.bind(codec=Codec(TupleRegistry()))
        self._handlers = {}
        for name in names:
            spec = make_store(model, int, None, _run_nowhere).describe(model)
            filters = []
            for lookup in LOOKUPS:
                with suppress(DefinitionError):
                    Listing(spec, filters=[f"{name}__{lookup}"])
                    filters.append(f"{name}__{lookup}")
            if filters:
                self._handlers[name] = OrmCrudHandler(
                    {"key": f"filtered.{name}"},
                    model,
                    fields=["id", name],
                    type_name=f"filtered.{name}",
                    retrieve_all=True,
                    filters=filters,
                    permission=AllowAny,
                    payload_io=self.payload_io,
                    **options,
                )

    def check(self, name: str, dialect: Dialect = Dialect.NATIVE) -> int:
        """See that each value that was read finds its row; return how many there were."""
        if name not in self._handlers:
            return 0
        with connect(dialect=dialect, payload_io=self.payload_io) as peer:
            values = _read(peer, name, {})
            known = {key for key, value in values.items() if value is not None}
            for key in known:
                self._check_row(peer, name, key, values[key], known)
        return len(known)

    def refuse(self, name: str, value: Any) -> str:
        """Ask for a value, see that this is refused, and return what the peer is told."""
        with connect(payload_io=self.payload_io) as peer:
            reply = peer.request({"key": f"filtered.{name}", "where": {f"{name}__exact": value}})
        return str(reply.result)

    def check_many(self, name: str, count: int) -> None:
        """See that a list of so many values finds all rows."""
        with connect(payload_io=self.payload_io) as peer:
            values = {k: v for k, v in _read(peer, name, {}).items() if v is not None}
            several = list(values.values()) * count
            assert _read(peer, name, {f"{name}__in": several[:count]}) == values

    def _check_row(self, peer: SyncPeer, name: str, key: int, value: Any, known: set[int]) -> None:
        found = {
            lookup: set(_read(peer, name, {f"{name}__{lookup}": value}))
            for lookup in LOOKUPS
            if lookup not in ("in", "range")
        }
        found["in"] = set(_read(peer, name, {f"{name}__in": [value]}))
        found["range"] = set(_read(peer, name, {f"{name}__range": [value, value]}))
        said = (name, value, found)
        for lookup in ("exact", "in", "lte", "gte", "range"):
            assert key in found[lookup], said
        same = found["exact"]
        assert found["in"] == same, said
        assert not same & found["lt"] and not same & found["gt"], said
        assert found["lte"] == same | found["lt"], said
        assert found["gte"] == same | found["gt"], said
        assert found["range"] == found["lte"] & found["gte"], said
        assert known <= found["lte"] | found["gt"], said  # Django reads no file as None


def _read(peer: SyncPeer, name: str, where: dict[str, Any]) -> dict[int, Any]:
    reply = peer.request({"key": f"filtered.{name}", "where": where})
    assert reply.result is None, (where, reply.result)
    return {row.id: getattr(row, name) for row in reply.tuples}


async def _run_nowhere(function: Any) -> Any:
    raise AssertionError
