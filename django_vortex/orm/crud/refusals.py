"""Errors for a peer whose row the database refuses: which tuple, which field.

Takes what the store knows, gives entries of `ValidationError.errors`.
"""

from collections.abc import Iterable, Sequence, Set
from typing import Any, Self

from django_vortex.exceptions import PeerError, ValidationError
from django_vortex.orm.crud.items import Done, Item, error_at
from django_vortex.orm.crud.model import ModelPlan
from django_vortex.orm.driver_errors import TEXTS, UNIQUE
from django_vortex.orm.store import RefusedByDatabase
from django_vortex.routing.ports import TranslateError

REFUSED = "The database refuses this"

MADE_LATE = (
    "Another row has this already. It is made while the row is stored: rows that exchange such"
    " values have to be saved one by one, with another value in between"
)
"""What is said of values of which nobody knew before."""


def describe_refusal(error: RefusedByDatabase, item: Item) -> dict[str, Any]:
    """Return an entry of `ValidationError.errors` for a row that the database refuses."""
    name = error.field
    if not name and error.columns:
        names = _find_fields(item.plan, error.columns)
        name = names[0] if len(names) == 1 else ""
    known = name if name in item.plan.shape.names else ""
    return error_at(item.index, known, error.text or "The database refuses this row")


def is_made_late(error: RefusedByDatabase, item: Item, changed: Set[str]) -> bool:
    """Return whether a database refuses a unique value that neither the peer nor a hook has set."""
    names = _find_fields(item.plan, error.columns)
    return error.text == TEXTS[UNIQUE] and bool(names) and changed.isdisjoint(names)


class PlacingErrors:
    """Puts the tuple that they are about into errors of hooks, permissions or the model.

    Args:
        translate: Knows the exceptions of a framework.

    Attributes:
        item: The tuple whose turn it is; to be set for each.
    """

    __slots__ = ("_translate", "item")

    def __init__(self, translate: TranslateError) -> None:
        self.item: Item | None = None
        self._translate = translate

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, raised: BaseException | None, traceback: object) -> None:
        if self.item is None or not isinstance(raised, Exception):
            return
        error = raised if isinstance(raised, PeerError) else self._translate(raised)
        if not isinstance(error, ValidationError) or _is_placed(error):
            return
        _place(error, self.item)
        if error is not raised:
            raise error from raised


def _is_placed(error: ValidationError) -> bool:
    return bool(error.errors) and all(one.get("index") is not None for one in error.errors)


def _place(error: ValidationError, item: Item) -> None:
    """Put the tuple into an error, and the names that its fields have there."""
    made = ValidationError(errors=error.errors)
    given = "" if str(error) == str(made) else str(error)
    found = error.errors or [{"index": None, "field": "", "messages": [str(error)]}]
    error.errors = [
        one
        if one.get("index") is not None
        else {**one, "index": item.index, "field": _get_shown_name(item.plan, one.get("field"))}
        for one in found
    ]
    error.args = (given or str(ValidationError(errors=error.errors)),)


def _get_shown_name(plan: ModelPlan, name: Any) -> str:
    """Return what a peer knows a field or relation by, "" if it does not see it."""
    relation = plan.spec.relations.get(name)
    known = relation.field if relation is not None and relation.field else name
    return str(known) if known in plan.shape.names else ""


def explain_refusal(error: RefusedByDatabase, done: Sequence[Done]) -> ValidationError:
    """Return which tuple it is that a database refuses when all is done.

    Args:
        error: What it says, with columns and values if it names them.
        done: What was done.
    """
    text = error.text or REFUSED
    suspects = []
    for one in done:
        names = _find_fields(one.plan, error.columns)
        if names and len(names) == len(error.columns):
            values = tuple(str(getattr(one.row, name, None)) for name in names)
            suspects.append((one, names, sorted(values) == sorted(error.values)))
    exact = [suspect for suspect in suspects if suspect[2]]
    found = exact[-1:] or (suspects if len(suspects) == 1 else [])
    if not found:
        return ValidationError(text)
    one, names, _ = found[0]
    is_shown = len(names) == 1 and names[0] in one.plan.shape.names
    return ValidationError(errors=[error_at(one.index, names[0] if is_shown else "", text)])


def _find_fields(plan: ModelPlan, columns: Iterable[str]) -> list[str]:
    """Return the fields of a model whose columns these are."""
    wanted = set(columns)
    return [one.name for one in plan.spec.fields.values() if not wanted.isdisjoint(one.columns)]
