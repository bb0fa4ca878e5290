"""Whether the rows that a message refers to exist for its peer: `ReferenceCheck`.

Takes the foreign keys and lists of keys that a peer sets, gives those that name a row which it may
not see, the same as one that is not there.
"""

from collections.abc import Iterable
from typing import Any

from django_vortex.exceptions import quoted
from django_vortex.orm.access import PeerAccess
from django_vortex.orm.conditions import Comparison
from django_vortex.orm.crud.items import Item
from django_vortex.orm.crud.references import Reference
from django_vortex.orm.sameness import is_hashable
from django_vortex.orm.store import Rows, Unit
from django_vortex.routing.permission import Action

MAX_KEYS = 500
"""How many rows are looked for at once where they are known by another field than their key."""


class ReferenceCheck:
    """Looks for references of one message, with one statement per field.

    Args:
        access: What permissions say to the request.
        unit: Its transaction.
    """

    def __init__(self, access: PeerAccess, unit: Unit) -> None:
        self._access = access
        self._unit = unit
        self._wanted: dict[int, tuple[Reference, list[tuple[Item, Any]]]] = {}
        self._made: set[tuple[int, Any]] = set()
        self._impossible: list[tuple[Item, str, Any]] = []

    def add(self, item: Item, name: str, value: Any, old: Any = None) -> None:
        """Note what a peer sets a field to; what a list has already stays allowed."""
        reference = item.plan.references[name]
        if value is None:
            return
        values = [value]
        if reference.relation.is_many:
            known = set(old or ())
            values = [one for one in value if not is_hashable(one) or one not in known]
        _, wanted = self._wanted.setdefault(id(reference), (reference, []))
        for one in values:
            if is_hashable(one):
                wanted.append((item, one))
            else:
                self._impossible.append((item, name, one))

    def add_made(self, item: Item) -> None:
        """Note a row that the same message makes under a key of its own."""
        if item.key is not None and len(item.key) == 1:
            self._made.add((id(item.plan.spec.model), item.key[0]))

    def find_missing(self) -> Iterable[tuple[Item, str, Any]]:
        """Find what does not exist for the peer: of each the tuple, the field and the key."""
        yield from self._impossible
        for reference, wanted in self._wanted.values():
            made = id(reference.relation.model)
            values = {value for _, value in wanted if (made, value) not in self._made}
            visible = self._read_visible(reference, list(values)) if values else set()
            for item, value in wanted:
                if value in values and value not in visible:
                    yield item, str(reference.relation.field), value

    def _read_visible(self, reference: Reference, values: list[Any]) -> set[Any]:
        """Return those of the values that name a row which the peer may see."""
        target = reference.relation.target
        assert target is not None
        if not self._access.is_allowed(reference.access, Action.RETRIEVE):
            return set()
        scope = self._access.make_scope(reference.access, Action.RETRIEVE)
        rows = self._unit.rows(reference.shape, scope)
        found = _find_rows(rows, reference, target, values)
        if reference.access.depends_on_row:
            found = (row for row in found if self._is_visible(reference, row))
        return {rows.read(row, [target])[target] for row in found}

    def _is_visible(self, reference: Reference, row: Any) -> bool:
        return self._access.is_row_allowed(reference.access, Action.RETRIEVE, row)


def _find_rows(rows: Rows, reference: Reference, target: str, values: list[Any]) -> Iterable[Any]:
    if reference.shape.spec.key_names == (target,):
        return rows.get_many([(value,) for value in values]).values()
    found: list[Any] = []
    for start in range(0, len(values), MAX_KEYS):
        found += rows.find(Comparison(target, "in", values[start : start + MAX_KEYS]))
    return found


def no_such_row(value: Any) -> str:
    """Return the text for a key that no row has."""
    return f"There is no row {quoted(value)}"
