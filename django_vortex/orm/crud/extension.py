"""What applications do around the work of `OrmCrudHandler`.

Takes a `Context` and rows, gives nothing: an extension changes the rows it is given, or raises a
`HandlerError` to refuse. Every method may be a coroutine function. All but those that end in
``_commit`` run inside the transaction, so what they raise undoes everything.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django_vortex.routing.permission import Action
from django_vortex.routing.request import Request


@dataclass(frozen=True, slots=True)
class Context:
    """What is going on.

    Attributes:
        request: Who asks for what. `Request.is_push` if nobody does.
        handler: The `OrmCrudHandler`.
        model: The model of the row.
        action: What is done to it.
        rows: The rows of this model in the transaction, None after the commit. With SQLAlchemy its
            ``session`` is the session of the transaction.
    """

    request: Request
    handler: Any
    model: Any
    action: Action
    rows: Any


@dataclass(slots=True)
class Change:
    """A row that is going to be written.

    Attributes:
        row: The row of the ORM: as it is in the database, or new with its defaults.
        values: What is going to be set, by field. An extension may add, change and remove fields,
            also such as peers may not write.
        old: The values of the fields the peer can see, as they were; empty for a new row.
        index: The place of its tuple in the message.
    """

    row: Any
    values: dict[str, Any]
    old: dict[str, Any] = field(default_factory=dict)
    index: int = 0


class CrudExtension:
    """Hooks; a subclass defines those it needs.

    ``row`` is an instance of the Django model or mapped class, of a Core table what the store makes
    of it (values are its attributes).
    """

    def after_new(self, context: Context, values: dict[str, Any]) -> Any:
        """Change the values of an unsaved default tuple before a peer gets it."""

    def before_create(self, context: Context, change: Change) -> Any:
        """See a new row before its values are set and validated."""

    def after_create(self, context: Context, row: Any) -> Any:
        """See a new row after it was written."""

    def before_update(self, context: Context, change: Change) -> Any:
        """See a row before its values are set and validated."""

    def after_update(self, context: Context, row: Any) -> Any:
        """See a row after it was written."""

    def before_delete(self, context: Context, row: Any) -> Any:
        """See a row before it is deleted."""

    def after_delete(self, context: Context, row: Any) -> Any:
        """See a row after it was deleted; it has its values still."""

    def before_retrieve(self, context: Context) -> Any:
        """Be told before rows are read because somebody asked for them."""

    def after_retrieve(self, context: Context, row: Any, values: dict[str, Any]) -> Any:
        """Change the values of a row that a peer is told of; the row itself stays as it is.

        Called for what was asked for, for what the answer to a change tells, and before a change to
        know what the peer has been told: what it sends back as it was told is no change.
        """

    def after_create_commit(self, context: Context, row: Any) -> Any:
        """See a new row after the commit, before the peer is answered."""

    def after_update_commit(self, context: Context, row: Any) -> Any:
        """See a changed row after the commit, before the peer is answered."""

    def after_delete_commit(self, context: Context, row: Any) -> Any:
        """See a deleted row after the commit, before the peer is answered."""


def find_hooks(extensions: Iterable[CrudExtension]) -> frozenset[str]:
    """Return the names of the hooks that one of some extensions has of its own."""
    names = [name for name in vars(CrudExtension) if not name.startswith("_")]
    return frozenset(name for one in extensions for name in names if has_hook(one, name))


def has_hook(extension: CrudExtension, *names: str) -> bool:
    """Return whether an extension has one of these hooks of its own."""
    hooks = ((getattr(extension, name), getattr(CrudExtension, name)) for name in names)
    return any(getattr(hook, "__func__", hook) is not inherited for hook, inherited in hooks)
