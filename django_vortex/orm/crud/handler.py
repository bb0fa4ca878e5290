"""`OrmCrudHandler`: create, retrieve, update and delete rows of tables (PROTOCOL 9)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, Unpack

from django_vortex.exceptions import (
    DefinitionError,
    TryAgain,
    UnknownOutcome,
    ValidationError,
    VortexError,
    with_path,
)
from django_vortex.handlers.base import BaseHandler, HandlerOptions
from django_vortex.handlers.options import set_options
from django_vortex.orm.crud.failures import explain_failure
from django_vortex.orm.crud.gate import CrudGate
from django_vortex.orm.crud.listing import LIST_KEYS
from django_vortex.orm.crud.model import CrudModel, Extensions
from django_vortex.orm.crud.nested import Nested
from django_vortex.orm.crud.plan import make_crud_plan
from django_vortex.orm.crud.remove import CrudRemove
from django_vortex.orm.crud.run import CrudRun
from django_vortex.orm.crud.save import CrudSave
from django_vortex.orm.crud.stores import make_store
from django_vortex.orm.crud.work import CrudWork, Outcome
from django_vortex.orm.filt_keys import check_keys, is_of_application
from django_vortex.orm.store import DatabaseIsAsynchronous, RefusedByDatabase, Unit
from django_vortex.routing.peer import Peer
from django_vortex.routing.permissions import DefaultPermission
from django_vortex.routing.ports import Load, is_on_loop
from django_vortex.routing.request import Request
from django_vortex.routing.watchable import NeedsLoop, refuse_to_wait
from django_vortex.typedefs import Filt
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload
from django_vortex.wire.plain import is_true
from django_vortex.wire.reserved import MESSAGE_ID

_PASSING = (MESSAGE_ID, "delete")
"""What a filt says of one request only: changes are pushed under the others all the same."""

_FILT_KEYS = ("id", *_PASSING, *LIST_KEYS)
"""What a filt may have beside the pairs of the handler's."""


class CrudOptions(HandlerOptions, total=False):
    """Keywords of `OrmCrudHandler`, each of which overrides the attribute of this name."""

    fields: Sequence[str] | str | None
    read_only_fields: Sequence[str]
    references: Mapping[str, Any]
    session_factory: Callable[[], Any] | None
    using: str | None
    type_name: str | None
    retrieve_all: bool
    client_keys: bool
    version_field: str | None
    nested: Nested
    filters: Sequence[str]
    ordering: Sequence[str]
    default_ordering: Sequence[str]
    page_size: int | None
    max_page_size: int
    max_tuples: int
    extensions: Extensions
    push_on_commit: bool | Literal["rows"]
    get_queryset: Callable[[Request], Any] | None


class OrmCrudHandler(BaseHandler):
    """Lets peers create, retrieve, update and delete rows of a table.

    A message with ``delete: true`` in its filt deletes, one with tuples saves them, one with an
    ``id`` retrieves that row; anything else gets a default tuple, or all rows (``retrieve_all``).
    Everything a message asks for is done in one transaction, or nothing of it.

    It is subclassed with what follows as attributes, or made with it as keywords, which override
    the attributes; see `BaseHandler` for those that all handlers have.

    Args:
        filt: As of `PayloadEndpoint`.
        model: The first model.
        more_models: Other models.
        owner: As of `PayloadEndpoint`.

    Raises:
        DefinitionError: As `PayloadEndpoint`; or something is named that a model does not have.
    """

    model: Any = None
    """A Django model, a SQLAlchemy class or a Core table."""

    more_models: Sequence[CrudModel] = ()
    """Others whose tuples may be saved and deleted together with it, each a `CrudModel`."""

    fields: Sequence[str] | str | None = None
    """The fields peers see, or ``"__all__"``; may be left out if the model is a tuple type. The
    primary key is always among them.
    """

    read_only_fields: Sequence[str] = ()
    """Those of them that peers cannot set."""

    permission: Any = None
    """Who may do what, for all models that have none of their own; None is the setting
    ``PERMISSION``.
    """

    references: Mapping[str, Any] = MappingProxyType({})
    """Who may set a foreign key, or a list of keys, to which rows: by relation a permission to
    retrieve those. Without one, who sees the rows by ``nested`` or as another model of the handler;
    else everybody may.
    """

    session_factory: Callable[[], Any] | None = None
    """For SQLAlchemy, what makes a session, synchronous or asynchronous."""

    using: str | None = None
    """For Django, the alias of the database if routers shall not choose it."""

    type_name: str | None = None
    """The name of the tuple type, by default that of the model's registration or
    ``application.Model``.
    """

    retrieve_all: bool = False
    """Whether asking without id gives all rows, or those that the filt says."""

    client_keys: bool = False
    """Whether peers may choose the primary keys of new rows."""

    version_field: str | None = None
    """An integer field counting the changes of a row; who saves what was changed meanwhile gets a
    `Conflict`.
    """

    nested: Nested = ()
    """Relations whose rows travel inside, with the fields they have there:
    ``{"owner": ["name"]}``; instead of the fields a `CrudNested` says who sees which.
    """

    filters: Sequence[str] = ()
    """With ``retrieve_all``, what peers may filter by: ``due__lt``, a bare field is ``exact``."""

    ordering: Sequence[str] = ()
    """Fields peers may order lists by."""

    default_ordering: Sequence[str] = ()
    """The order of lists otherwise, as ``-due``."""

    page_size: int | None = None
    """How many rows a list has if the peer does not say; None is all."""

    max_page_size: int = 1000
    """How many rows a peer may ask for at once."""

    max_tuples: int = 1000
    """How many tuples may be saved or deleted at once."""

    extensions: Extensions = ()
    """Each a `CrudExtension`, for all models; or by model, as ``{Ticket: [Diary]}``."""

    push_on_commit: bool | Literal["rows"] = False
    """Whether peers that have retrieved rows or lists get them again when a commit has changed
    them, whoever made it; ``"rows"`` leaves out lists.
    """

    _required = ("filt", "model")

    def __init__(
        self,
        filt: Filt | None = None,
        model: Any = None,
        *more_models: CrudModel,
        owner: object = None,
        **options: Unpack[CrudOptions],
    ) -> None:
        set_options(self, {"filt": filt, "model": model, **options})
        self.more_models = more_models or self.more_models
        self.store = make_store(self.model, self.session_factory, self.using, self._run_sync)
        self.plan = make_crud_plan(self)
        permissions = [plan.access.permission for plan in self.plan.models]
        self._watchable = replace(
            self._watchable,
            may_share=self._is_same_for_all,
            read=None if self.store.is_async else self._read,
        )
        self._register(CrudGate(permissions), owner)
        self._known_keys = frozenset((*self.filt, *_FILT_KEYS))
        self._has_extensions = any(plan.extensions for plan in self.plan.models)
        self._own_hooks = self._find_own_hooks()
        self._may_read_filt = (
            self._has_extensions
            or bool(self._own_hooks)
            or any(is_of_application(permission) for permission in permissions)
        )
        """Whether code of the application may read keys of a filt beside those that we know."""

    def get_queryset(self, request: Request) -> Any:
        """Return the rows of the first model that exist for a request; may be a coroutine function.

        A queryset of Django or a ``select`` of SQLAlchemy. Other rows can neither be retrieved nor
        changed, and no row can be saved that would not be among them.
        """
        return self.store.get_all(self.model)

    def pre_process(self, request: Request) -> Any:
        """Do something at the begin of the transaction; raise to refuse. May be a coroutine."""

    def post_process(self, request: Request, payload: Payload) -> Any:
        """Do something with the answer at the end of the transaction. May be a coroutine."""

    async def handle(self, request: Request) -> Any:
        """Answer a request, after the commit."""
        self._check_keys(request)
        load = await self._begin_load(request)
        try:
            outcome = await self._run(request, is_loaded=load is not None)
        except (RefusedByDatabase, TryAgain, UnknownOutcome) as error:
            raise explain_failure(self, error) from error
        if load is not None:
            _end_load(load, outcome)
        return outcome.answer

    def send_model_update(
        self,
        id: Any,
        *,
        to_peer: Peer | str | None = None,
        to_name: str | None = None,
        to_user: Any = None,
    ) -> "Future[int]":
        """Push a row of the first model, after the caller's transaction has committed.

        Only peers that may retrieve get it, as they may see it. For one peer or user it is read
        where that is, as if it asked now. For many it is read once, unless who sees what depends on
        the user: then each gets its own.

        Args:
            id: The primary key; of several fields a list of their values.
            to_peer: Only to this peer, or the one with this uuid.
            to_name: Only to peers that call themselves so.
            to_user: Only to the peers of this user, or the one with this primary key.

        Returns:
            A future of how many peers of this process it was queued or is read for. It stays
            without result if the transaction is rolled back.
        """
        if id is None:
            raise DefinitionError("send_model_update pushes a row: name its primary key")
        filt = {**self.filt, "id": id}

        def read(request: Request, unit: Unit) -> PayloadEnvelope:
            outcome = self._work(request, unit)
            return self.make_push_envelope(Payload(tuples=outcome.tuples), filt)

        return self.push_update(
            self.make_address(to_peer, to_name, to_user),
            filt,
            lambda request: self.store.run_here(partial(read, request)),
            lambda request: self.store.run(partial(read, request)),
            self.store.after_commit,
            needs_loop=self.store.is_async,
        )

    def _read(self, request: Request) -> list[Any]:
        """Answer an evaluation, in its thread and in the transaction of its batch.

        Raises:
            NeedsLoop: A hook, a permission or the database has to be awaited.
        """
        self._check_keys(request)
        try:
            outcome = self.store.run_here(partial(self._work, request), refuse_to_wait)
        except DatabaseIsAsynchronous as error:
            raise NeedsLoop from error
        except (RefusedByDatabase, TryAgain) as error:
            raise explain_failure(self, error) from error
        return list(outcome.tuples)

    def _check_keys(self, request: Request) -> None:
        if not self._known_keys.issuperset(request.filt):
            check_keys(request, self.payload_io, self._known_keys, may_be_read=self._may_read_filt)

    def _run_sync(self, function: Callable[[], Any]) -> Awaitable[Any]:
        return self.payload_io.run_sync(function)

    async def _run(self, request: Request, *, is_loaded: bool) -> Outcome:
        """Work and do what follows the commit, even if the peer goes away in between.

        Threads work to the end anyway. An asynchronous session that is cancelled in a statement may
        keep its connection, with all its locks, until that is collected.
        """
        run = CrudRun(self, self._work, request, is_loaded=is_loaded)
        is_kept = self.store.is_async or (self._has_extensions and _may_write(request))
        if not (is_kept and is_on_loop()):
            return await run.run()
        background = self.payload_io.background
        return await background.finish(run.run(), of_the_peer=(VortexError, RefusedByDatabase))

    async def _begin_load(self, request: Request) -> Load | None:
        """Begin to answer a request of a peer that is pushed to, in its turn."""
        loads = self.payload_io.loads
        if not self.push_on_commit or request.is_push or loads is None:
            return None
        pushed = _without_passing(request.reply_filt)
        if not pushed:
            return None
        question = _without_passing(request.filt)
        is_list = question.get("id") is None
        if is_list and (self.push_on_commit == "rows" or self.plan.listing is None):
            return None
        return await loads.begin(request, question, pushed, is_list=is_list)

    def _work(self, request: Request, unit: Unit) -> Outcome:
        work = CrudWork(self.plan, request, unit)
        if "pre_process" in self._own_hooks:
            request.resolve(self.pre_process(request))
        outcome = self._decide(work, request)
        if "post_process" in self._own_hooks:
            payload = Payload({}, outcome.tuples)
            request.resolve(self.post_process(request, payload))
            outcome.tuples = list(payload.tuples)
        if outcome.unset:
            row_tuple = self.plan.main.row_tuple
            outcome.tuples = [row_tuple.leave_out(outcome.unset, one) for one in outcome.tuples]
        return outcome

    def _decide(self, work: CrudWork, request: Request) -> Outcome:
        """Do what PROTOCOL 9 says; the first that fits counts."""
        filt = request.filt
        key_value = filt.get("id")
        tuples = request.tuples
        if is_true(filt.get("delete")):
            if request.is_push:
                raise ValidationError(with_path("What deletes cannot be watched", "filt.delete"))
            return CrudRemove(work).remove(tuples, key_value)
        if tuples:
            return CrudSave(work).save(tuples)
        if key_value is not None:
            return work.retrieve(key_value)
        named = [key for key in LIST_KEYS if key in filt and key not in self.filt]
        if named and self.plan.listing is None:
            raise ValidationError(with_path("There are no lists here", f"filt.{named[0]}"))
        if self.plan.listing is not None:
            return work.find(self.plan.listing)
        return work.create()

    def _is_same_for_all(self) -> bool:
        """Return whether all peers that may retrieve are answered the same."""
        main = self.plan.main
        permission = main.access.permission
        if isinstance(permission, DefaultPermission):
            permission = permission.current
        is_plain = not self._own_hooks and main.hooks.isdisjoint(
            {"before_retrieve", "after_retrieve"}
        )
        is_plain = is_plain and not permission.restricts and not main.access.nested
        # What one of the application goes by may be seen nowhere: it is asked for each answer.
        return is_plain and not is_of_application(permission)

    def _find_own_hooks(self) -> frozenset[str]:
        """Return which of our methods for applications a subclass, or a keyword, has defined."""
        return frozenset(
            name
            for name in ("get_queryset", "pre_process", "post_process")
            if name in vars(self) or getattr(type(self), name) is not getattr(OrmCrudHandler, name)
        )


def _end_load(load: Load, outcome: Outcome) -> None:
    """Note what a peer has got: a list, or a row, but no row that is not there."""
    if outcome.result is not None:
        load.note(None if load.is_list else outcome.tag)
    elif load.is_list or outcome.tuples:
        load.keep(outcome.tag)


def _without_passing(filt: Filt) -> Filt:
    """Return a filt without what it says of one request only."""
    return {name: value for name, value in filt.items() if name not in _PASSING}


def _may_write(request: Request) -> bool:
    return bool(request.filt.get("delete") or request.tuples)
