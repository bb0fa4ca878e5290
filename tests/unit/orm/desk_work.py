"""The work of requests over a `Desk`, without handler, messages and database."""

from collections.abc import Callable
from typing import Any

from django_vortex.orm.crud.extension import CrudExtension
from django_vortex.orm.crud.listing import Listing
from django_vortex.orm.crud.model import CrudModel, make_plans
from django_vortex.orm.crud.plan import CrudPlan
from django_vortex.orm.crud.remove import CrudRemove
from django_vortex.orm.crud.save import CrudSave
from django_vortex.orm.crud.work import CrudWork, Outcome
from django_vortex.routing.peer import Peer
from django_vortex.routing.permission import Action, Permission
from django_vortex.routing.permissions import AllowAny
from django_vortex.routing.request import Request
from django_vortex.tuples import TupleRegistry, mark_present_fields, mark_unknown_fields
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from tests.unit.orm.crud_bench import User
from tests.unit.orm.desk import Desk

FIELDS = ["title", "points", "owner_id"]

ANN, BOB = User(1), User(2)


class Hooks(CrudExtension):
    """Notes which hooks are called, with the titles of rows; `on` has functions to call then."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.on: dict[str, Callable[..., Any]] = {}

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith(("before_", "after_")):
            return super().__getattribute__(name)

        def call(context: Any, *arguments: Any) -> Any:
            self.called.append(name)
            return self.on[name](context, *arguments) if name in self.on else None

        return call


class DeskWork:
    """What a handler of the tickets and owners of a desk does.

    Args:
        desk: Where the rows are.
        options: As of `CrudModel` for the tickets, and of `CrudPlan`.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        permission: Any = AllowAny,
        retrieve_all: bool = False,
        max_tuples: int = 100,
        extensions: tuple[Any, ...] = (),
        **options: Any,
    ) -> None:
        self.desk = desk
        self.codec = Codec(TupleRegistry())
        models = (
            CrudModel(desk.tickets, **{"fields": FIELDS, **options}),
            CrudModel(desk.owners, fields=["name"], client_keys=True),
        )
        made = permission() if isinstance(permission, type) else permission
        plans = make_plans(models, desk.store, self.codec.registry, made, extensions)
        self.plan = CrudPlan(
            handler=self,
            models=plans,
            listing=Listing(plans[0].spec, ordering=["title"], filters=["points"]),
            retrieve_all=retrieve_all,
            max_tuples=max_tuples,
        )

    def do(
        self,
        operation: Callable[[CrudWork], Outcome],
        *,
        user: Any = None,
        dialect: Dialect = Dialect.NATIVE,
        peer: Peer | None = None,
        **filt: Any,
    ) -> Outcome:
        """Do something for a request in a transaction, and forget what was asked before."""
        peer = peer or Peer("u", "n", user=user)
        request = Request(PayloadEnvelope(filt), peer, codec=self.codec, dialect=dialect)
        self.desk.store.log.clear()
        return self.desk.store.run_here(lambda unit: operation(CrudWork(self.plan, request, unit)))

    def save(self, *tuples: Any, **parts: Any) -> Outcome:
        """Save tuples."""
        return self.do(lambda work: CrudSave(work).save(tuples), **parts)

    def remove(self, *tuples: Any, key: Any = None, **parts: Any) -> Outcome:
        """Delete rows."""
        return self.do(lambda work: CrudRemove(work).remove(tuples, key), **parts)

    def find(self, **parts: Any) -> Outcome:
        """Ask for a list."""
        listing = self.plan.listing
        assert listing is not None
        return self.do(lambda work: work.find(listing), **parts)

    def ticket(self, **fields: Any) -> Any:
        """Make a ticket as a peer sends it, with these fields and no others."""
        return self._sent(0, fields)

    def owner(self, **fields: Any) -> Any:
        """Make an owner so."""
        return self._sent(1, fields)

    def _sent(self, number: int, fields: dict[str, Any]) -> Any:
        record = self.plan.models[number].row_tuple
        known = {name for name in fields if name in record.names}
        made = record.make({name: fields[name] for name in known})
        mark_present_fields(made, frozenset(known))
        mark_unknown_fields(made, frozenset(fields.keys() - known))
        return made


def titles(outcome: Outcome) -> list[str]:
    """Return the titles of the tickets of an answer."""
    return [one.title for one in outcome.tuples]


class Own(Permission):
    """Everybody has tickets of their own."""

    def scope(self, request: Any, action: Action) -> Any:
        return {"owner_id": request.user.pk}


class Small(Permission):
    """Hides big tickets, and lets nobody delete those in between."""

    async def allows_object(self, request: Any, action: Action, row: Any) -> bool:
        return bool(row.points < (10 if action is Action.RETRIEVE else 5))


class WriteOnly(Permission):
    """Everybody may change what nobody may see."""

    def allows(self, request: Any, action: Action) -> bool:
        return action is not Action.RETRIEVE
