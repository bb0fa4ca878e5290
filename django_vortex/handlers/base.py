"""The base class of handlers: a filt, an endpoint and a way to push."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, ClassVar, Self, TypedDict, Unpack

from django_vortex.exceptions import DefinitionError
from django_vortex.handlers.discovery import find_problems, note_class, note_object
from django_vortex.handlers.options import check_class, read_key, set_options
from django_vortex.logs import get_limited_logger
from django_vortex.routing.address import Address
from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.payload_io import payload_io as default_payload_io
from django_vortex.routing.peer import Peer
from django_vortex.routing.ports import is_on_loop
from django_vortex.routing.rates import Throttle
from django_vortex.routing.request import Request
from django_vortex.routing.shared_peer import SharedPeer
from django_vortex.routing.watchable import PER_USER, Watchable, WatchScope, declare
from django_vortex.typedefs import Filt
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload

logger = get_limited_logger(__name__)

_building: "set[Future[None] | asyncio.Task[None]]" = set()
"""Updates that are being built, whose tasks a loop itself holds only weakly."""


class HandlerOptions(TypedDict, total=False):
    """Keywords of handlers, each of which overrides the attribute of this name."""

    key: str | None
    accept_only_from: Iterable[str]
    ignore_from: Iterable[str]
    permission: Any
    throttle: Throttle
    scope: WatchScope
    depends_on: Sequence[Any]
    payload_io: PayloadIO | None


class BaseHandler(ABC):
    """An object that answers for one filt.

    Its options are attributes of a subclass, or keywords, which override them. A subclass in the
    ``vortex.py`` of an app registers itself, unless the module creates instances of it, or it says
    ``abstract = True`` in its own body.

    Args:
        filt: What it answers, by default the attribute of the class.
        owner: As of `PayloadEndpoint`.

    Attributes:
        endpoint: What is registered; `PayloadEndpoint.close` ends it.

    Raises:
        DefinitionError: As `PayloadEndpoint`; or an unknown option.
    """

    filt: Filt = {}
    """What it answers, as of `PayloadEndpoint`."""

    key: str | None = None
    """Short for a filt with nothing but this key."""

    accept_only_from: Iterable[str] | str = ()
    """Names of the peers that it hears; all if empty."""

    ignore_from: Iterable[str] | str = ()
    """Names of peers that it does not hear."""

    permission: Any = None
    """Who may ask; None is the setting ``PERMISSION``."""

    throttle: Throttle = None
    """How often peers may ask, as of `PayloadEndpoint`."""

    scope: WatchScope = "user"
    """Who shares an answer that is watched: the peers of a user, or ``"all"`` peers, if it does not
    depend on who asks.
    """

    depends_on: Sequence[Any] = ()
    """Tables that answers depend on beside those that are seen to be read: models, or names."""

    payload_io: PayloadIO = default_payload_io
    """The registry it is registered with."""

    abstract: ClassVar[bool] = False
    """Whether the class is there for subclasses alone, which do not inherit this."""

    _watchable: Watchable = PER_USER
    """How answers are watched, apart from `scope` and `depends_on`."""

    _required: ClassVar[tuple[str, ...]] = ("filt",)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_class(cls)
        read_key(cls, cls.__qualname__, vars(cls))
        note_class(cls)

    def __init__(
        self, filt: Filt | None = None, *, owner: object = None, **options: Unpack[HandlerOptions]
    ) -> None:
        set_options(self, {"filt": filt, **options})
        self._register(self.permission, owner)

    @classmethod
    def get_handler(cls) -> Self:
        """Return the registered instance of this class, such as the one of a ``vortex.py``.

        Raises:
            DefinitionError: There is none, or there are several.
        """
        owners = [getattr(one.handler, "__self__", None) for one in cls.payload_io.endpoints]
        found: list[Self] = [one for one in owners if type(one) is cls]
        if len(found) == 1:
            return found[0]
        reason = find_problems().get(cls, "none is registered")
        raise DefinitionError(
            f"Expected one object of {cls.__module__}.{cls.__qualname__}: "
            f"{f'{len(found)} are registered' if found else reason}"
        )

    def _register(self, permission: Any, owner: object) -> None:
        """Register what answers; the last that a constructor does with its options."""
        self.endpoint = PayloadEndpoint(
            self.filt,
            self.handle,
            accept_only_from=self.accept_only_from,
            ignore_from=self.ignore_from,
            permission=permission,
            throttle=self.throttle,
            payload_io=self.payload_io,
            owner=owner,
            watchable=declare(
                self._watchable, self.scope, self.depends_on, type(self).__qualname__
            ),
        )
        self.filt = self.endpoint.filt
        self._is_personal = False
        note_object(type(self))

    @abstractmethod
    def handle(self, request: Request) -> Any:
        """Answer a request."""

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.{type(self).__qualname__} {self.filt!r}>"

    def get_untyped(self) -> type[Any] | None:
        """Return the class of the objects it sends, if that is known not to be a tuple type."""
        return None

    def make_push_request(self, filt: Filt | None = None) -> Request:
        """Make the request that data is built for once, to be pushed to many peers.

        Args:
            filt: The filt to push under, by default the handler's.
        """
        asked = self.filt if filt is None else filt
        return Request.for_push(asked, SharedPeer(), self.payload_io.codec)

    def make_address(
        self, to_peer: Peer | str | None, to_name: str | None, to_user: Any
    ) -> Address:
        """Return whom an update goes to: of those, the peers that may read from this handler.

        For one peer or user it is built where that is; so it is for each of many, once it was seen
        that the data depends on who gets it.

        Raises:
            DefinitionError: As `Address.of`.
        """
        to = Address.of(to_peer=to_peer, to_name=to_name, to_user=to_user)
        is_each = self._is_personal or to.uuid is not None or to.user is not None
        return replace(to, handler=self.filt, is_each=is_each)

    def make_push_envelope(self, payload: Payload, filt: Filt | None = None) -> PayloadEnvelope:
        """Make the envelope of a push, encoded here rather than on the server's loop.

        Args:
            payload: The tuples; its own filt does not count.
            filt: The filt to push under, by default the handler's.
        """
        filt = dict(self.filt if filt is None else filt)
        envelope = PayloadEnvelope(filt, Payload(filt, payload.tuples, payload.date))
        envelope.encode_for_all(self.payload_io.codec, self.payload_io.clock())
        return envelope

    def push_update(
        self,
        to: Address,
        filt: Filt,
        build: Callable[[Request], PayloadEnvelope],
        build_on_loop: Callable[[Request], Awaitable[PayloadEnvelope]],
        after_commit: Callable[[Callable[[], object]], object],
        *,
        needs_loop: bool = False,
    ) -> "Future[int]":
        """Push an update, after the caller's transaction has committed.

        It is built here once, unless each peer gets its own: then where the peers are.

        Args:
            to: Whom to, of `make_address`.
            filt: The filt to push under.
            build: Builds it in the caller's thread.
            build_on_loop: Builds it when the caller is on an event loop, which must not wait.
            after_commit: Calls a function when the transaction has committed.
            needs_loop: Whether the server's loop shall build it for other threads, if it runs.

        Returns:
            A future of how many peers of this process it was queued for. It stays without result
            if the transaction is rolled back.
        """
        future: Future[int] = Future()
        request = self.make_push_request(filt)

        def push(envelope: PayloadEnvelope) -> None:
            if self.note_personal(request):
                push_each()
            else:
                copy_outcome(future, self.payload_io.push(envelope, to, coalesce=True))

        def push_each() -> None:
            each = replace(to, is_each=True)
            copy_outcome(
                future, self.payload_io.push(PayloadEnvelope(dict(filt)), each, coalesce=True)
            )

        def fail(error: Exception) -> None:
            if self.note_personal(request):
                push_each()
                return
            logger.error("%r could not build its update", self, exc_info=error)
            if future.set_running_or_notify_cancel():
                future.set_exception(error)

        async def update_on_loop() -> None:
            try:
                push(await build_on_loop(request))
            except Exception as error:
                fail(error)

        def update() -> None:
            loop = self.payload_io.loop if needs_loop else None
            if loop is not None and loop.is_running():
                _keep(asyncio.run_coroutine_threadsafe(update_on_loop(), loop))
                return
            try:
                push(build(request))
            except Exception as error:
                fail(error)

        if to.is_each:
            if is_on_loop():
                push_each()
            else:
                after_commit(push_each)
        elif is_on_loop():
            _keep(asyncio.get_running_loop().create_task(update_on_loop()))
        else:
            after_commit(update)
        return future

    def note_personal(self, request: Request) -> bool:
        """Return, and remember, whether what was built for many depends on who gets it."""
        if isinstance(request.peer, SharedPeer) and request.peer.is_looked_at:
            self._is_personal = True
            return True
        return False


def _keep(building: "Future[None] | asyncio.Task[None]") -> None:
    _building.add(building)
    building.add_done_callback(_building.discard)


def copy_outcome(future: "Future[int]", outcome: "Future[int]") -> None:
    """Copy the outcome of another future to one, when that has one."""

    def copy(done: "Future[int]") -> None:
        if not future.set_running_or_notify_cancel():
            return
        error = done.exception()
        if error is None:
            future.set_result(done.result())
        else:
            future.set_exception(error)

    outcome.add_done_callback(copy)
