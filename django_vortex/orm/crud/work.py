"""The work of one CRUD request in one transaction: create, retrieve, list and remove.

Takes a `Unit` and a request, gives an `Outcome`. Whoever may not see a row gets the same answer as
if there were none. Saving is in `save`.
"""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django_vortex.exceptions import PermissionDenied, ValidationError, WireError, quoted
from django_vortex.orm.conditions import Condition, UnfitOperand
from django_vortex.orm.crud.access import Asking
from django_vortex.orm.crud.extension import Context
from django_vortex.orm.crud.found import find
from django_vortex.orm.crud.items import Done, Item, error_at
from django_vortex.orm.crud.listing import ALL_ROWS, Listing, Page, no_cursor
from django_vortex.orm.crud.model import ModelPlan
from django_vortex.orm.crud.refusals import TellingOf
from django_vortex.orm.crud.removing import remove_rows
from django_vortex.orm.crud.telling import find_visible
from django_vortex.orm.sameness import is_hashable
from django_vortex.orm.store import (
    Key,
    RefusedByDatabase,
    Rows,
    Scope,
    Unit,
)
from django_vortex.routing.permission import Action
from django_vortex.routing.ports import know_no_error
from django_vortex.routing.request import Request
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.type_checks import make_check


@dataclass(frozen=True, slots=True)
class CrudPlan:
    """What a handler serves.

    Attributes:
        handler: The handler itself, for its hooks.
        models: By model; the first is the one that filts without tuples are about.
        listing: What peers may say about lists, None if they get none.
        retrieve_all: Whether asking without id gives all rows rather than a default tuple.
        max_tuples: How many tuples may be saved or deleted at once.
    """

    handler: Any
    models: tuple[ModelPlan, ...]
    listing: Listing | None
    retrieve_all: bool
    max_tuples: int

    @property
    def main(self) -> ModelPlan:
        """The first model."""
        return self.models[0]


@dataclass(slots=True)
class Outcome:
    """What the peer is answered, and what has been done."""

    tuples: list[Any]
    result: Any = None
    done: list[Done] = field(default_factory=list)
    answer: PayloadEnvelope | None = None
    """What leaves, encoded already."""

    unset: frozenset[str] = frozenset()
    """The fields of a default tuple that say nothing by being None: their default is not known."""

    content: bytes | None = None
    """The digest of the tuples, where somebody wants to know."""


class CrudWork:
    """The work of one request.

    Args:
        plan: What the handler serves.
        request: Who asks for what.
        unit: The transaction.
    """

    def __init__(self, plan: CrudPlan, request: Request, unit: Unit) -> None:
        self.plan = plan
        self.request = request
        self.unit = unit
        self.asking = Asking(request, self.settle)
        self._rows: dict[tuple[int, Action], tuple[Rows, Scope]] = {}
        payload_io = getattr(plan.handler, "payload_io", None)
        self._translate = know_no_error if payload_io is None else payload_io.translate_error

    def create(self) -> Outcome:
        """Give one default tuple, which no database knows."""
        plan = self.plan.main
        self.demand(Action.CREATE, plan)
        rows = self.rows(plan, Action.CREATE)
        values = rows.values(rows.new())
        hidden = {name for name in plan.shape.names if name not in plan.writable}
        values |= dict.fromkeys(hidden - {plan.version_field})
        self.call(plan, Action.CREATE, "after_new", values)
        return Outcome([plan.record.make(values)], unset=self._find_unset(plan))

    def _find_unset(self, plan: ModelPlan) -> frozenset[str]:
        """Return the fields that get a default when a row is stored, and which None would change.

        Where a peer's null says the same as an absent field there are none.
        """
        if not self.request.dialect.says_absent:
            return frozenset()
        fields = (plan.spec.fields.get(name) for name in plan.writable)
        return frozenset(
            one.name
            for one in fields
            if one is not None and one.is_nullable and one.has_varying_default
        ) & frozenset(plan.shape.names)

    def retrieve(self, key_value: Any) -> Outcome:
        """Give the row with a key, or nothing."""
        plan = self.plan.main
        self.demand(Action.RETRIEVE, plan)
        key = read_filt_key(plan, key_value)
        self.call(plan, Action.RETRIEVE, "before_retrieve")
        found = self.rows(plan, Action.RETRIEVE).get_many([key])
        return Outcome(self.make_tuples(plan, Action.RETRIEVE, found.values()))

    def find(self, listing: Listing) -> Outcome:
        """Give the rows that the filt asks for."""
        plan = self.plan.main
        self.demand(Action.RETRIEVE, plan)
        query = listing.read(self.request.filt, self.request.codec)
        self.call(plan, Action.RETRIEVE, "before_retrieve")
        try:
            found = find(self, plan, query)
        except (RefusedByDatabase, UnfitOperand) as error:
            raise self._explain_refusal(listing, error) from error
        cursor = None
        if query.limit is not None and len(found) > query.limit:
            place = found.place(query.limit - 1)
            cursor = listing.make_cursor(query.order, place, self.request.codec)
        tuples = found.make_tuples(query.limit)
        if query.is_paged:
            tuples.append(Page(next=cursor, count=len(tuples)))
        return Outcome(tuples)

    def _explain_refusal(
        self, listing: Listing, error: RefusedByDatabase | UnfitOperand
    ) -> Exception:
        """Return what to tell the peer when the database refuses to look for something."""
        filt = self.request.filt
        if filt.get("after") is not None and isinstance(error, RefusedByDatabase):
            return no_cursor(filt["after"])  # which a peer may make up
        return listing.refuse_where(filt["where"], error) if filt.get("where") else error

    def remove(self, tuples: Sequence[Any], key_value: Any) -> Outcome:
        """Delete the rows of tuples, or the one with a key. Rows that are missing are no error."""
        self.demand_any(Action.DELETE)
        if not tuples and key_value is None:
            raise ValidationError("Nothing to delete: the filt has no id and there are no tuples")
        items = self.identify(tuples) if tuples else [self._item_of_filt(key_value)]
        for plan in find_plans(items):
            self.demand(Action.DELETE, plan)
        done = remove_rows(self, items)
        return Outcome(self._remaining(), result=True, done=done)

    def identify(self, tuples: Sequence[Any]) -> list[Item]:
        """Find out what the tuples that came are.

        Raises:
            ValidationError: Too many, of other types, or with fields that the type does not have.
        """
        if len(tuples) > self.plan.max_tuples:
            raise ValidationError(
                f"{len(tuples)} tuples are more than the {self.plan.max_tuples} taken at once"
            )
        items, errors = [], []
        for index, one in enumerate(tuples):
            plan = next((plan for plan in self.plan.models if plan.record.takes(one)), None)
            if plan is None:
                wanted = " or ".join(plan.record.name for plan in self.plan.models)
                errors.append(error_at(index, "", f"Expected a {wanted}, got {quoted(one)}"))
                continue
            unknown = plan.record.unknown(one)
            errors += [error_at(index, name, "There is no such field") for name in sorted(unknown)]
            values = plan.record.read(one)
            key = plan.read_key(values)
            if key is not None and not is_hashable(key):
                name = plan.spec.key_names[0]
                errors.append(error_at(index, name, f"No row has the key {quoted(key[0])}"))
                continue
            items.append(Item(index, plan, values, key))
        if errors:
            raise ValidationError(errors=errors)
        return items

    def demand_any(self, *actions: Action) -> None:
        """Refuse a peer that may do none of this to any model, before it is told of its mistakes.

        Raises:
            PermissionDenied: It may not.
        """
        models = self.plan.models
        if not any(self.is_allowed(action, plan) for action in actions for plan in models):
            wanted = " or ".join(action.value for action in actions)
            raise PermissionDenied(f"You may not {wanted} here")

    def demand(self, action: Action, plan: ModelPlan) -> None:
        """Refuse what the peer may do to no row of a model.

        What is pushed to many is asked of each of them, where it is.

        Raises:
            PermissionDenied: It may not.
        """
        if self.request.is_shared:
            return
        if not self.is_allowed(action, plan):
            raise PermissionDenied(f"You may not {action.value} here")

    def is_allowed(self, action: Action, plan: ModelPlan) -> bool:
        """Say whether the peer may do this at all."""
        return self.asking.is_allowed(plan.access, action)

    def find_accessible(
        self, action: Action, plan: ModelPlan, found: Mapping[Key, Any]
    ) -> dict[Key, Any]:
        """Give the rows that exist for a peer which wants to change them.

        Raises:
            PermissionDenied: It sees one of them, but may not do this to it.
        """
        allowed = {key: row for key, row in found.items() if self.may(action, plan, row)}
        denied = {key: row for key, row in found.items() if key not in allowed}
        if find_visible(self, plan, action, denied):
            raise PermissionDenied(f"You may not {action.value} this row")
        return allowed

    def may(self, action: Action, plan: ModelPlan, row: Any) -> bool:
        """Say whether the peer may do this to a row."""
        return self.asking.may(plan.access, action, row)

    def rows(self, plan: ModelPlan, action: Action) -> Rows:
        """Give the rows of a model that exist for the peer when it wants to do this."""
        return self._find_rows(plan, action)[0]

    def find_condition(self, plan: ModelPlan, action: Action) -> Condition | None:
        """Give the condition of the rows that exist for the peer; None is all of them."""
        return self._find_rows(plan, action)[1].condition

    def _find_rows(self, plan: ModelPlan, action: Action) -> tuple[Rows, Scope]:
        known = self._rows.get((id(plan), action))
        if known is None:
            scope = self.asking.find_scope(plan.access, action, plan.nested)
            known = self._rows[id(plan), action] = (self.unit.rows(plan.shape, scope), scope)
        return known

    def call(self, plan: ModelPlan, action: Action, hook: str, *arguments: Any) -> None:
        """Call a hook of all extensions of a model."""
        if plan.extensions:
            rows = self.rows(plan, action)
            handler = self.plan.handler
            context = Context(self.request, handler, plan.spec.model, action, rows)
            for extension in plan.extensions:
                self.settle(getattr(extension, hook)(context, *arguments))

    def telling_of(self, item: Item) -> TellingOf:
        """Let what is raised meanwhile say that it is about a tuple."""
        return TellingOf(item, self._translate)

    def settle(self, value: Any) -> Any:
        """Wait for what a hook gave, if it is a coroutine."""
        return self.unit.wait(value) if inspect.isawaitable(value) else value

    def make_tuples(self, plan: ModelPlan, action: Action, found: Iterable[Any]) -> list[Any]:
        """Make the tuples of rows that the peer may see."""
        return self.tell(plan, action, (r for r in found if self.may(Action.RETRIEVE, plan, r)))

    def tell(self, plan: ModelPlan, action: Action, visible: Iterable[Any]) -> list[Any]:
        """Make the tuples of rows that are known to be visible."""
        rows = self.rows(plan, action)
        tuples = []
        for row in visible:
            values = rows.values(row)
            self.call(plan, action, "after_retrieve", row, values)
            tuples.append(plan.record.make(values))
        return tuples

    def _item_of_filt(self, key_value: Any) -> Item:
        plan = self.plan.main
        return Item(0, plan, {}, read_filt_key(plan, key_value))

    def _remaining(self) -> list[Any]:
        plan = self.plan.main
        if not self.plan.retrieve_all or not self.is_allowed(Action.RETRIEVE, plan):
            return []
        return find(self, plan, ALL_ROWS).make_tuples()


def find_plans(items: Iterable[Item]) -> list[ModelPlan]:
    """Give the models of what came, each once."""
    return list({id(item.plan): item.plan for item in items}.values())


def read_filt_key(plan: ModelPlan, value: Any) -> Key:
    """Give the key that the ``id`` of a filt is.

    Args:
        plan: The model.
        value: The value of a single key, as text if need be; of several fields a list of them.

    Raises:
        ValidationError: The key of this model cannot be so.
    """
    names = plan.spec.key_names
    parts = list(value) if isinstance(value, list | tuple) and len(names) > 1 else [value]
    if len(parts) != len(names):
        raise ValidationError(f"Expected {len(names)} values, got {quoted(value)} - at `filt.id`")
    key = []
    for name, part in zip(names, parts, strict=True):
        kind = plan.spec.fields[name].type
        if kind is int and isinstance(part, str) and part.isascii() and part.isdecimal():
            part = int(part[:40])  # what an address of a page holds
        check = make_check(kind)
        try:
            key.append(part if check is None else check(part))
        except WireError as error:
            raise ValidationError(f"{error.text} - at `filt.id`") from None
    if not is_hashable(tuple(key)):
        raise ValidationError(f"No row has the key {quoted(value)} - at `filt.id`")
    return tuple(key)
