"""The work of one CRUD request in one transaction: create, retrieve and list.

Takes a `Unit` and a request, gives an `Outcome`. A row that the peer may not see is answered like
one that does not exist. Saving is in `save`, deleting in `remove`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django_vortex.exceptions import PermissionDenied, ValidationError, WireError, quoted, with_path
from django_vortex.orm.access import PeerAccess
from django_vortex.orm.conditions import UnfitOperand
from django_vortex.orm.crud.cursors import make_cursor, no_cursor
from django_vortex.orm.crud.items import Done, Item, error_at
from django_vortex.orm.crud.listing import Listing, Page
from django_vortex.orm.crud.model import ModelPlan
from django_vortex.orm.crud.plan import CrudPlan
from django_vortex.orm.crud.table import PeerTable
from django_vortex.orm.sameness import is_hashable
from django_vortex.orm.store import Key, RefusedByDatabase, Unit
from django_vortex.routing.permission import Action
from django_vortex.routing.ports import know_no_error
from django_vortex.routing.request import Request
from django_vortex.tuples import unknown_fields
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.type_checks import make_check


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

    tag: str | None = None
    """What `find_tag` gives of the tuples, where somebody wants to know."""


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
        self.access = PeerAccess(request, unit.wait)
        self._tables: dict[int, PeerTable] = {}
        payload_io = getattr(plan.handler, "payload_io", None)
        self.translate_error = know_no_error if payload_io is None else payload_io.translate_error

    def create(self) -> Outcome:
        """Return one default tuple, which no database knows."""
        plan, table = self.plan.main, self.table(self.plan.main)
        table.demand(Action.CREATE)
        rows = table.rows(Action.CREATE)
        values = rows.values(rows.new())
        hidden = {name for name in plan.shape.names if name not in plan.writable}
        values |= dict.fromkeys(hidden - {plan.version_field})
        table.call(Action.CREATE, "after_new", values)
        return Outcome([plan.row_tuple.make(values)], unset=self._find_unset_names(plan))

    def _find_unset_names(self, plan: ModelPlan) -> frozenset[str]:
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
        """Return the row with a key, or nothing."""
        table = self.table(self.plan.main)
        table.demand(Action.RETRIEVE)
        key = read_filt_key(table.plan, key_value)
        table.call(Action.RETRIEVE, "before_retrieve")
        return Outcome(table.retrieve(key))

    def find(self, listing: Listing) -> Outcome:
        """Return the rows that the filt asks for."""
        table = self.table(self.plan.main)
        table.demand(Action.RETRIEVE)
        query = listing.read(self.request.filt, self.request.codec)
        table.call(Action.RETRIEVE, "before_retrieve")
        try:
            tuples, place = table.find_page(query)
        except (RefusedByDatabase, UnfitOperand) as error:
            raise self._explain_refusal(listing, error) from error
        if query.is_paged:
            cursor = None
            if place is not None:
                cursor = make_cursor(query.order, place, self.request.codec)
            tuples.append(Page(next=cursor, count=len(tuples)))
        return Outcome(tuples)

    def _explain_refusal(
        self, listing: Listing, error: RefusedByDatabase | UnfitOperand
    ) -> Exception:
        """Return the error for the peer when the database refuses to look for something."""
        filt = self.request.filt
        if filt.get("after") is not None and isinstance(error, RefusedByDatabase):
            return no_cursor(filt["after"])  # which a peer may make up
        return listing.refuse_where(filt["where"], error) if filt.get("where") else error

    def identify(self, tuples: Sequence[Any]) -> list[Item]:
        """Find out what the tuples that came are.

        Raises:
            ValidationError: Too many, of other types, or with fields that the type does not have.
        """
        if len(tuples) > self.plan.max_tuples:
            raise ValidationError(
                f"{len(tuples)} tuples are more than the {self.plan.max_tuples} taken at once"
            )
        plans = {plan.row_tuple.cls: plan for plan in reversed(self.plan.models)}
        items, errors = [], []
        for index, one in enumerate(tuples):
            plan = plans.get(one.__class__)
            if plan is None:
                wanted = " or ".join(plan.row_tuple.name for plan in self.plan.models)
                errors.append(error_at(index, "", f"Expected a {wanted}, got {quoted(one)}"))
                continue
            for name in sorted(unknown_fields(one)):
                errors.append(error_at(index, name, "There is no such field"))
            values = plan.row_tuple.read(one)
            key = read_tuple_key(plan, values)
            if key is not None and not is_hashable(key):
                name = plan.spec.key_names[0]
                errors.append(error_at(index, name, f"No row has the key {quoted(key[0])}"))
                continue
            items.append(Item(index, self.table(plan), plan, values, key))
        if errors:
            raise ValidationError(errors=errors)
        return items

    def demand_any(self, *actions: Action) -> None:
        """Refuse a peer that may do none of this to any model, before it hears of its mistakes.

        Raises:
            PermissionDenied: It may not.
        """
        models = self.plan.models
        if not any(self.table(plan).is_allowed(action) for action in actions for plan in models):
            wanted = " or ".join(action.value for action in actions)
            raise PermissionDenied(f"You may not {wanted} here")

    def table(self, plan: ModelPlan) -> PeerTable:
        """Return a table as the peer sees it."""
        known = self._tables.get(id(plan))
        if known is None:
            known = PeerTable(plan, self.access, self.unit, self.plan.handler)
            self._tables[id(plan)] = known
        return known


def find_tables(items: Iterable[Item]) -> list[PeerTable]:
    """Find the tables of what came, each once."""
    return list({id(item.table): item.table for item in items}.values())


def read_tuple_key(plan: ModelPlan, values: Mapping[str, Any]) -> Key | None:
    """Return the key that values of a tuple name, None for a row that is to be made.

    An input that was left empty is ``""``, which is no key either (PROTOCOL 9).
    """
    key = tuple(map(values.get, plan.spec.key_names))
    return None if None in key or "" in key else key


def read_filt_key(plan: ModelPlan, value: Any) -> Key:
    """Return the key that the ``id`` of a filt is.

    Args:
        plan: The model.
        value: The value of a single key, as text if need be; of several fields a list of them.

    Raises:
        ValidationError: The key of this model cannot be so.
    """
    names = plan.spec.key_names
    parts = list(value) if isinstance(value, list | tuple) and len(names) > 1 else [value]
    if len(parts) != len(names):
        text = f"Expected {len(names)} values, got {quoted(value)}"
        raise ValidationError(with_path(text, "filt.id"))
    key = []
    for name, part in zip(names, parts, strict=True):
        kind = plan.spec.fields[name].type
        if kind is int and isinstance(part, str) and part.isascii() and part.isdecimal():
            part = int(part[:40])  # what an address of a page holds
        check = make_check(kind)
        try:
            key.append(part if check is None else check(part))
        except WireError as error:
            raise ValidationError(with_path(error.text, "filt.id")) from None
    if not is_hashable(tuple(key)):
        raise ValidationError(with_path(f"No row has the key {quoted(value)}", "filt.id"))
    return tuple(key)
