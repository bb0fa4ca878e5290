"""Saving tuples: new rows and changes of rows, all of them or none.

Takes the tuples of a request, writes what they carry and nothing else, gives the stored rows in the
same order. All errors are collected and raised at once.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django_vortex.exceptions import Conflict, PermissionDenied, ValidationError
from django_vortex.orm.conditions import decide
from django_vortex.orm.crud.depth import is_too_deep
from django_vortex.orm.crud.extension import Change
from django_vortex.orm.crud.items import CHANGED_MEANWHILE, Done, Item, error_at
from django_vortex.orm.crud.model import ModelPlan
from django_vortex.orm.crud.reference_check import ReferenceCheck, no_such_row
from django_vortex.orm.crud.refusals import PlacingErrors
from django_vortex.orm.crud.table import PeerTable
from django_vortex.orm.crud.work import CrudWork, Outcome, find_tables
from django_vortex.orm.crud.writing import CrudWriting, Saving, no_such_key
from django_vortex.orm.model_spec import ModelField
from django_vortex.orm.sameness import is_same, is_same_set
from django_vortex.orm.store import Draft, Key, RowErrors, Rows
from django_vortex.routing.permission import Action

TAKEN = "There is such a row already; who changes it has to say what this was when it was read"

LEAVES_SCOPE = "A row would leave what you may see"

MAX_LISTED_KEYS = 10_000
"""How many rows a field of many may name."""


class CrudSave:
    """Saves the tuples of one request.

    Args:
        work: The request in its transaction.
    """

    def __init__(self, work: CrudWork) -> None:
        self._work = work
        self._exact = work.request.dialect.is_native
        self._depth = work.request.codec.limits.depth
        self._errors: list[dict[str, Any]] = []
        self._stale: list[Any] = []
        self._visible: dict[int, set[Key]] = {}
        self._references = ReferenceCheck(work.access, work.unit)

    def save(self, tuples: Sequence[Any]) -> Outcome:
        """Write the tuples.

        Raises:
            ValidationError: With every error of every tuple.
            Conflict: Rows that were changed meanwhile, with what they are now.
            PermissionDenied: The peer may not write one of the rows.
        """
        self._work.demand_any(Action.CREATE, Action.UPDATE)
        items = self._work.identify(tuples)
        known = self._read_stored(items)
        savings = []
        with PlacingErrors(self._work.translate_error) as placing:
            for item in items:
                placing.item = item
                saving = self._prepare(item, known[id(item.table)])
                if saving is not None:
                    savings.append(saving)
        for item, name, value in self._references.find_missing():
            self._errors.append(error_at(item.index, name, no_such_row(value)))
        self._refuse()
        written = [saving for saving in savings if saving.is_written]
        groups, message = _group(written), [saving.draft for saving in written]
        for rows, drafts in groups:
            rows.validate(drafts, message)
        self._refuse(written)
        CrudWriting(self._work).write(written)
        for rows, drafts in groups:
            rows.validate_written(drafts, message)
        self._refuse(written)
        return self._outcome(savings)

    def _read_stored(self, items: Sequence[Item]) -> dict[int, dict[Key, Any]]:
        """Return the rows that are stored already, by table and key."""
        known: dict[int, dict[Key, Any]] = {}
        for table in find_tables(items):
            keys = [item.key for item in items if item.table is table]
            if None in keys:
                table.demand(Action.CREATE)
            wanted = [key for key in keys if key is not None]
            if wanted:
                _demand_change(table)
            rows = table.rows(Action.UPDATE)
            found = rows.get_many(wanted) if wanted else {}
            allowed = table.keep_allowed(Action.UPDATE, found)
            self._visible[id(table)] = table.find_visible_keys(Action.UPDATE, allowed)
            known[id(table)] = allowed
        return known

    def _prepare(self, item: Item, known: dict[Key, Any]) -> Saving | None:
        if self._refuse_long_lists(item):
            return None
        row = None if item.key is None else known.get(item.key)
        if row is not None:
            item.table.demand(Action.UPDATE)
            return self._prepare_update(item, row)
        if item.key is not None and not item.plan.client_keys:
            names = item.plan.spec.key_names
            self._errors.append(error_at(item.index, names[0], no_such_key(item.key)))
            return None
        item.table.demand(Action.CREATE)
        saving = self._prepare_create(item)
        if item.key is not None:
            known[item.key] = saving.draft.row
            self._visible[id(item.table)].add(item.key)
            self._references.add_made(item)
        return saving

    def _prepare_update(self, item: Item, row: Any) -> Saving | None:
        plan, table = item.plan, item.table
        rows = table.rows(Action.UPDATE)
        old = rows.values(row)
        if plan.version_field is not None:
            seen = item.values.get(plan.version_field)
            if seen is None:
                is_known = plan.client_keys and item.key in self._visible[id(item.table)]
                text = TAKEN if is_known else "Has to be what it was when the row was read"
                self._errors.append(error_at(item.index, plan.version_field, text))
                return None
            if seen != old[plan.version_field]:
                self._stale += table.read_again(Action.UPDATE, rows.key(row))
                return None
        values = {}
        shown = self._read_shown(item, row, old)
        for name, value in item.values.items():
            if name in plan.spec.key_names or name == plan.version_field:
                continue
            if is_same(shown.get(name), value, exact=self._exact):
                continue
            field = plan.spec.fields.get(name)
            if field is not None and field.is_many and is_same_set(shown.get(name), value):
                continue
            if name in plan.writable:
                values[name] = value
                if name in plan.references:
                    self._references.add(item, name, value, old[name])
            else:
                self._refuse_read_only(item, name)
        change = Change(row, values, old, item.index)
        if plan.extensions:
            rows.remember(row)
            table.call(Action.UPDATE, "before_update", change)
        return self._set(item, Action.UPDATE, rows, change)

    def _read_shown(self, item: Item, row: Any, old: dict[str, Any]) -> dict[str, Any]:
        """Return what the peer has got of a row, to see what it has changed.

        Compared with more than that, it could find out by trying what a hook hides, or what it may
        change but not retrieve.
        """
        plan = item.plan
        is_visible = item.key in self._visible[id(item.table)]
        if is_visible and "after_retrieve" not in plan.hooks:
            return old
        return item.table.read_shown(Action.UPDATE, row, is_visible=is_visible)

    def _prepare_create(self, item: Item) -> Saving:
        plan, table = item.plan, item.table
        rows = table.rows(Action.CREATE)
        row = rows.new()
        defaults = rows.values(row)
        values = {}
        for name, value in item.values.items():
            field = plan.spec.fields.get(name)
            if name in plan.spec.key_names or name == plan.version_field:
                continue
            if name in plan.writable and field is not None:
                if value is not None or self._is_null_meant(field):
                    values[name] = value
                    if name in plan.references:
                        self._references.add(item, name, value)
            elif not self._is_untouched(field, defaults[name], value):
                self._refuse_read_only(item, name)
        if item.key is not None:
            values |= zip(plan.spec.key_names, item.key, strict=True)
        if plan.version_field is not None and defaults[plan.version_field] is None:
            values[plan.version_field] = 1
        change = Change(row, values, {}, item.index)
        table.call(Action.CREATE, "before_create", change)
        return self._set(item, Action.CREATE, rows, change)

    def _is_null_meant(self, field: ModelField) -> bool:
        """Tell null in a new row from what released clients send for what was never set."""
        if field.is_required:
            return True  # and refused
        return field.is_nullable and self._work.request.dialect.says_absent

    def _is_untouched(self, field: Any, default: Any, value: Any) -> bool:
        """Return whether a field that peers may not set is as a default tuple has it."""
        if value is None or value == [] or (field is not None and field.has_varying_default):
            return True
        return is_same(default, value, exact=self._exact)

    def _set(self, item: Item, action: Action, rows: Rows, change: Change) -> Saving:
        is_new = action is Action.CREATE
        changed, before = frozenset(change.values), {}
        if not is_new:
            if item.plan.extensions:
                changed |= rows.find_changed(change.row)  # by a hook, on the row itself
            before = self._read_before(item.plan, rows, change)
        draft = Draft(change.row, is_new, changed)
        self._refuse_deep(item, change)
        try:
            rows.set_values(change.row, change.values)
        except RowErrors as error:
            self._add_errors(item, error.errors)
        else:
            if not item.table.is_row_allowed(action, change.row):
                raise PermissionDenied(f"You may not {action.value} such a row")
            self._refuse_other_scope(item, action, rows, change.row)
        return Saving(item, action, rows, draft, before)

    def _read_before(self, plan: ModelPlan, rows: Rows, change: Change) -> dict[str, Any]:
        """Return what the fields were that may have to be unique, also those that are derived."""
        if not plan.spec.unique:
            return {}
        wanted = {name for unique in plan.spec.unique for name in unique.all_names}
        known = {name: change.old[name] for name in wanted if name in change.old}
        unseen = wanted - known.keys()
        return {**known, **rows.read(change.row, unseen)} if unseen else known

    def _refuse_other_scope(self, item: Item, action: Action, rows: Rows, row: Any) -> None:
        """Refuse a row that would leave the scope, as far as that is known without the database.

        This comes before the database is asked, which would tell what is unique among other rows.
        """
        condition, fields = item.table.scope(action).condition, item.plan.spec.fields
        if condition is None:
            return

        def read(name: str) -> Any:
            is_known = name in fields and not fields[name].is_many
            return rows.read(row, [name])[name] if is_known else None

        if decide(condition, read) is False:
            raise PermissionDenied(LEAVES_SCOPE)

    def _outcome(self, savings: Sequence[Saving]) -> Outcome:
        """Read what is stored now; what has left the peer's scope is refused."""
        keys = [saving.rows.key(saving.draft.row) for saving in savings]
        by_rows: dict[int, dict[Key, Saving]] = {}
        for saving, key in zip(savings, keys, strict=True):
            by_rows.setdefault(id(saving.rows), {})[key] = saving
        stored: dict[tuple[int, Key], tuple[Any, Any]] = {}
        for which, group in by_rows.items():
            one = next(iter(group.values()))
            found = one.rows.get_many(list(group))
            tuples = one.item.table.make_tuples(one.action, found)
            stored |= {(which, key): (found[key], tuples[key]) for key in found}
        outcome = Outcome([], result=True)
        for saving, key in zip(savings, keys, strict=True):
            if (id(saving.rows), key) not in stored:
                raise PermissionDenied(LEAVES_SCOPE)
            row, made = stored[id(saving.rows), key]
            outcome.tuples.append(made)
            if saving.is_written:
                outcome.done.append(
                    Done(saving.action, saving.item.plan, key, row, saving.item.index)
                )
        return outcome

    def _refuse_long_lists(self, item: Item) -> bool:
        """Refuse more related rows than there is any sense in looking for."""
        fields = item.plan.spec.fields
        long = {
            name: len(value)
            for name, value in item.values.items()
            if isinstance(value, list) and len(value) > MAX_LISTED_KEYS
            if name in fields and fields[name].is_many
        }
        for name, count in long.items():
            text = f"{count} rows are more than the {MAX_LISTED_KEYS} that one row may refer to"
            self._errors.append(error_at(item.index, name, text))
        return bool(long)

    def _refuse_deep(self, item: Item, change: Change) -> None:
        """Refuse what could be stored, but not be sent to anybody afterwards."""
        for name, value in change.values.items():
            if isinstance(value, (list, dict)) and is_too_deep(value, self._depth):
                text = f"Nested too deep: a message holds {self._depth} levels"
                self._add_errors(item, {name: [text]})

    def _refuse_read_only(self, item: Item, name: str) -> None:
        self._errors.append(error_at(item.index, name, "This field is read-only"))

    def _add_errors(self, item: Item, errors: Mapping[str, list[str]]) -> None:
        visible = _visible_names(item.plan)
        for name, messages in errors.items():
            known, texts = name if name in visible else "", list(messages)
            field = item.plan.spec.fields.get(name)
            if not known and field is not None and field.is_required and not item.values.get(name):
                texts = [f"{name!r} needs a value, and this handler does not list it"]
            self._errors.append({"index": item.index, "field": known, "messages": texts})

    def _refuse(self, written: Sequence[Saving] = ()) -> None:
        """Raise what has been found, by a check of the rows to write as well."""
        for saving in written:
            if saving.draft.errors:
                self._add_errors(saving.item, saving.draft.errors)
        if self._errors:
            raise ValidationError(errors=sorted(self._errors, key=lambda error: error["index"]))
        if self._stale:
            raise Conflict(CHANGED_MEANWHILE, self._stale)


def _demand_change(table: PeerTable) -> None:
    """Refuse who may not update; who may create rows under keys of its own goes on."""
    if not table.plan.client_keys:
        table.demand(Action.UPDATE)
    elif not table.is_allowed(Action.UPDATE):
        table.demand(Action.CREATE)


def _group(written: Sequence[Saving]) -> list[tuple[Rows, list[Draft]]]:
    """Return what is written to the rows of each table, apart new ones and stored ones."""
    groups: dict[int, tuple[Rows, list[Draft]]] = {}
    for saving in written:
        groups.setdefault(id(saving.rows), (saving.rows, []))[1].append(saving.draft)
    return list(groups.values())


def _visible_names(plan: ModelPlan) -> frozenset[str]:
    return frozenset(plan.shape.names)
