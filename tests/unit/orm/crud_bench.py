"""A `Bench` whose peers send rows as text, so that they may leave out or make up what they like."""

from dataclasses import dataclass
from typing import Any

from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.routing.peer import Peer
from django_vortex.routing.permissions import AllowAny
from django_vortex.routing.request import Request
from django_vortex.wire.bodies import EncodedBody
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.inflate import deflate
from django_vortex.wire.json_text import write_json
from django_vortex.wire.reserved import MESSAGE_ID
from tests.support.routing import Bench
from tests.unit.orm.models import Ticket

FILT = {"key": "tickets"}
NAME = "vortex_tests.Ticket"
FIELDS = ["id", "title", "state", "points"]


@dataclass(frozen=True)
class User:
    pk: int = 7
    is_authenticated: bool = True
    is_active: bool = True
    is_staff: bool = False
    permissions: frozenset[str] = frozenset()

    def has_perm(self, name: str) -> bool:
        return name in self.permissions


def row(name: str = NAME, /, **fields: Any) -> dict[str, Any]:
    """Describe a tuple that a peer sends, with these fields and no others."""
    return {"_ct": "rt", "_c": name, **fields}


class CrudBench(Bench):
    """Asks without an event loop in this thread, on which Django refuses to work."""

    def serve(self, model: Any = Ticket, *more: Any, **options: Any) -> OrmCrudHandler:
        """Serve a model to everybody."""
        options = {"permission": AllowAny, "payload_io": self.payload_io, **options}
        if model is Ticket:
            options.setdefault("fields", FIELDS)
        self.handler = OrmCrudHandler(options.pop("filt", FILT), model, *more, **options)
        return self.handler

    def say(
        self,
        rows: list[Any] | None = None,
        *,
        user: Any = None,
        uuid: str = "u1",
        dialect: Dialect = Dialect.NATIVE,
        **filt: Any,
    ) -> PayloadEnvelope:
        """Send a message and give the one answer."""
        whole = {**FILT, MESSAGE_ID: "m", **filt}
        body = None
        if rows is not None:
            content = {"_ct": "rp", "filt": {}, "tuples": [self._encode(one) for one in rows]}
            body = EncodedBody(deflate(write_json(content)), dialect)
        envelope = PayloadEnvelope.received(whole, body)
        peer = Peer(uuid=uuid, name="browser", user=user)
        request = Request(envelope, peer, codec=self.codec, dialect=dialect)
        coroutine = self.payload_io.process(request)
        try:
            coroutine.send(None)
        except StopIteration as done:
            [reply] = done.value
            return reply  # type: ignore[no-any-return]
        raise AssertionError("It waits for something")

    def rows_of(self, reply: PayloadEnvelope) -> list[Any]:
        """Return the tuples of a success."""
        assert reply.result in (None, True), reply.result
        return self.tuples_of(reply) if reply.has_payload else []

    def errors_of(self, reply: PayloadEnvelope) -> list[tuple[int, str]]:
        """Return the places of a refusal."""
        assert reply.result["error"] == "validation"
        return [(error["index"], error["field"]) for error in reply.result["errors"]]

    def _encode(self, value: Any) -> Any:
        if isinstance(value, dict) and "_ct" in value:
            return {key: self._encode(one) for key, one in value.items()}
        return self.codec.encode_value(value, Dialect.NATIVE)


def ticket(**values: Any) -> Any:
    """Insert a ticket behind the handler."""
    return Ticket.objects.create(**{"title": "a", **values})
