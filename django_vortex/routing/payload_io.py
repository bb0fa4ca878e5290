"""Requests to answers: `PayloadIO` asks the endpoints that a message is for.

Takes endpoints and requests, gives reply envelopes. What runs where is decided here: ``def``
handlers and everything that may block go through the ``run_sync`` port, ``async def`` ones run on
the loop.
"""

import asyncio
import datetime
import inspect
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

from django_vortex.exceptions import (
    HandlerError,
    InternalError,
    PeerError,
    PermissionDenied,
    TooManyRequests,
    quoted,
)
from django_vortex.logs import get_limited_logger, per_kind
from django_vortex.routing.address import EVERYONE, Address
from django_vortex.routing.background import Background
from django_vortex.routing.codec_work import CodecWork, Unfinished
from django_vortex.routing.endpoint_registry import EndpointRegistry
from django_vortex.routing.permission import READING, Permission, Verdict
from django_vortex.routing.permissions import DefaultPermission, forget_defaults
from django_vortex.routing.ports import (
    AfterCommit,
    GetPermission,
    Loads,
    Observers,
    PushEnvelope,
    ReadStatement,
    RunLarge,
    TranslateError,
    call_now,
    get_package_default,
    get_package_name,
    is_task_cancelled,
    know_no_error,
    push_nowhere,
    read_nothing,
    utc_now,
)
from django_vortex.routing.registered import Registered
from django_vortex.routing.replies import Work, estimate_work, make_failure
from django_vortex.routing.request import Request
from django_vortex.routing.unanswered import Unanswered
from django_vortex.typedefs import RunSync
from django_vortex.wire.codec import Codec
from django_vortex.wire.envelope import PayloadEnvelope

logger = get_limited_logger(__name__)

_T = TypeVar("_T")


class PayloadIO(EndpointRegistry):
    """A registry of endpoints that answers requests, with the ports to the server that uses it.

    Args:
        clock: Gives the dates of payloads.
        make_reference: Gives the text by which a failure is found in the log.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime.datetime] = utc_now,
        make_reference: Callable[[], str] = lambda: secrets.token_hex(3),
    ) -> None:
        super().__init__()
        self.clock = clock
        self.codec = Codec()
        self._work = CodecWork(clock)
        self.after_commit: AfterCommit = call_now
        self.translate_error: TranslateError = know_no_error
        self.read_statement: ReadStatement = read_nothing
        self.tell_with_commit: Callable[[list[Any]], object] | None = None
        """Tells of changes after the commit of a transaction that is open, where there may be some.
        """
        self.get_name: Callable[[], str] = get_package_name
        """Tells what the server is called by its peers."""
        self.loads: Loads | None = None
        """Who pushes to peers what they have loaded; None without a server that can."""
        self.observers: Observers | None = None
        """Who shows answers to observers; None without a server that can."""
        self.get_permission: GetPermission = get_package_default
        self.default_permission = DefaultPermission(lambda: self.get_permission(edits_rows=False))
        """The permission of all endpoints that name none: one object, which stays in the cache."""
        self.loop: asyncio.AbstractEventLoop | None = None
        """The loop of the server that uses this registry; it may have ended."""
        self.background = Background()
        """What handlers begin, and what goes on when their request has ended."""
        self._unanswered = Unanswered(lambda: self.endpoints)
        self.make_reference = make_reference
        self._push: PushEnvelope = push_nowhere

    def bind(
        self,
        *,
        run_sync: RunSync | None = None,
        run_large: RunLarge | None = None,
        push: PushEnvelope | None = None,
        after_commit: AfterCommit | None = None,
        translate_error: TranslateError | None = None,
        read_statement: ReadStatement | None = None,
        tell_with_commit: Callable[[list[Any]], object] | None = None,
        get_name: Callable[[], str] | None = None,
        get_permission: GetPermission | None = None,
        codec: Codec | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Set the ports that are given and leave the others.

        Another ``run_sync`` runs what is large as well, unless a ``run_large`` is given with it.
        """
        if run_sync is not None:
            self._work.run_sync, self._work.run_large = run_sync, None
        if run_large is not None:
            self._work.run_large = run_large
        if push is not None:
            self._push = push
        if after_commit is not None:
            self.after_commit = after_commit
        if translate_error is not None:
            self.translate_error = translate_error
        if read_statement is not None:
            self.read_statement = read_statement
        if tell_with_commit is not None:
            self.tell_with_commit = tell_with_commit
        if get_name is not None:
            self.get_name = get_name
        if get_permission is not None:
            self.get_permission = get_permission
            forget_defaults()
        if codec is not None:
            self.codec = codec
        if loop is not None:
            self.loop = loop

    @contextmanager
    def bound(
        self,
        *,
        run_sync: RunSync | None = None,
        push: PushEnvelope | None = None,
        after_commit: AfterCommit | None = None,
        translate_error: TranslateError | None = None,
        read_statement: ReadStatement | None = None,
        get_permission: GetPermission | None = None,
    ) -> Iterator[None]:
        """Set the ports that are given for as long as the context lasts, as tests want it."""
        before = (
            self._work.run_sync,
            self._work.run_large,
            self._push,
            self.after_commit,
            self.translate_error,
            self.read_statement,
            self.get_permission,
        )
        self.bind(
            run_sync=run_sync,
            push=push,
            after_commit=after_commit,
            translate_error=translate_error,
            read_statement=read_statement,
            get_permission=get_permission,
        )
        try:
            yield
        finally:
            (
                self._work.run_sync,
                self._work.run_large,
                self._push,
                self.after_commit,
                self.translate_error,
                self.read_statement,
                self.get_permission,
            ) = before
            forget_defaults()

    @property
    def run_sync(self) -> RunSync:
        """The port through which blocking code leaves the loop."""
        return self._work.run_sync

    async def process(self, request: Request) -> list[PayloadEnvelope]:
        """Call every endpoint that a request is for, all at once, and give their answers.

        Each endpoint's permission is asked first: before that nothing is decoded for it.

        Whatever goes wrong becomes an answer; only cancellation is raised.
        """
        endpoints = self.find(request.filt, request.peer.name)
        if not endpoints:
            return self._unanswered.answer(request, self.clock())
        if len(endpoints) == 1:
            reply = await self.answer(endpoints[0], request)
            return [] if reply is None else [reply]
        requests = [request.for_another() for _ in endpoints]
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self.answer(endpoint, each))
                for endpoint, each in zip(endpoints, requests, strict=True)
            ]
        request.retry_after = max(each.retry_after for each in requests)
        return [reply for task in tasks if (reply := task.result()) is not None]

    def push(
        self, envelope: PayloadEnvelope, to: Address = EVERYONE, *, coalesce: bool = False
    ) -> "Future[int]":
        """Queue an envelope for peers and return at once; may be called from any thread.

        Args:
            envelope: What is sent.
            to: Whom to.
            coalesce: Whether a later push with the same filt may replace this one while both wait.

        Returns:
            A future of how many peers of this process it was queued for; a `DeliveryError` in it
            means nobody could be reached.
        """
        return self._push(envelope, to, coalesce=coalesce)

    async def answer(self, endpoint: Registered, request: Request) -> PayloadEnvelope | None:
        """Ask an endpoint's permission, call its handler, and return the reply.

        Whatever goes wrong becomes a reply; only cancellation is raised.
        """
        if endpoint.unkept is not None:
            endpoint.unkept.is_asked, endpoint.unkept = True, None
        try:
            rates = None if request.is_push else endpoint.rates  # of what peers ask for
            if rates is not None and (wait := rates.admit(request.peer)):
                raise TooManyRequests(wait)
            permission = endpoint.permission
            if permission.__class__ is DefaultPermission:  # found once for all questions
                permission = permission.current
            has_to_wait = permission.may_block or permission.is_awaited
            verdict = None if has_to_wait else permission.allows(request, READING)
            if verdict is not True:
                await self._demand(permission, verdict, request)
            preparing = self._work.prepare(request)
            if preparing is not None:
                await preparing
            if endpoint.is_async:
                return await self._work.reply(await endpoint.handler(request), request)
            outcome = await self.run_sync(
                lambda: self._work.reply_here(endpoint.handler(request), request)
            )
            if not isinstance(outcome, Unfinished):
                return outcome
            result = outcome.result
            if inspect.isawaitable(result):  # of a plain function that returned a coroutine
                result = await result
            return await self._work.reply(result, request)
        except asyncio.CancelledError as error:
            if is_task_cancelled():
                raise
            return self._report(endpoint, request, error)  # of something the handler awaited
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # `sys.exit()` in a handler would end the server
            return await self._fail(endpoint, request, error)

    async def _demand(
        self, permission: Permission, verdict: Verdict | None, request: Request
    ) -> None:
        """Refuse a peer that a permission refuses.

        Args:
            permission: Of the endpoint that is asked.
            verdict: What it said; None where it has yet to be asked.
            request: Who asks.

        Raises:
            PermissionDenied: The peer may not ask.
        """
        if verdict is None:
            verdict = await permission.ask(request, READING, self.run_sync)
        if not (await verdict if inspect.isawaitable(verdict) else verdict):
            raise PermissionDenied("You may not ask for this")

    async def make_reply(self, result: Any, request: Request) -> PayloadEnvelope | None:
        """Make the reply that a result means, where that belongs; a handler may return it then."""
        return await self._work.reply(result, request)

    async def read(self, result: Any, function: Callable[[], _T]) -> _T:
        """Call what reads a handler's result: here, or in a thread if it may wait for a database.

        Args:
            result: What the handler gave.
            function: Reads it; called twice where the first time finds on the way that it may.
        """
        return await self._work.read(estimate_work(result), function)

    async def _fail(
        self, endpoint: Registered, request: Request, raised: BaseException
    ) -> PayloadEnvelope:
        """Answer with what was raised: its own text if it is meant for peers."""
        try:
            error = self.explain(endpoint, request.peer.name, raised)
            if isinstance(error, TooManyRequests):
                request.retry_after = error.retry_after
            tuples = list(error.tuples) if isinstance(error, HandlerError) else []
            if estimate_work(tuples) is not Work.SMALL:
                return await self.run_sync(lambda: make_failure(error, request, self.clock()))
            return make_failure(error, request, self.clock())
        except Exception as another:  # what it says or brings along cannot be told
            return self._report(endpoint, request, another)

    def explain(self, endpoint: Registered, peer_name: str, raised: BaseException) -> PeerError:
        """Return what peers are told of an exception: itself, or a reference to the log.

        Args:
            endpoint: Whose handler or permission has raised it.
            peer_name: The name of the peer that it was raised for.
            raised: The exception, logged here unless it is meant for peers.
        """
        only = _get_only(raised)
        error = only if isinstance(only, PeerError) else self.translate_error(only)
        return self._log(endpoint, peer_name, raised) if error is None else error

    def _report(
        self, endpoint: Registered, request: Request, error: BaseException
    ) -> PayloadEnvelope:
        """Log a failure; the peer gets a reference to that."""
        told = self._log(endpoint, request.peer.name, error)
        return make_failure(told, request, self.clock())

    def _log(self, endpoint: Registered, peer_name: str, error: BaseException) -> InternalError:
        reference = self.make_reference()
        logger.error(
            per_kind("%r failed for a peer named %%s (ref %%s)", endpoint),
            quoted(peer_name),
            reference,
            exc_info=error,
        )
        return InternalError(reference)


def _get_only(error: BaseException) -> BaseException:
    """Return the one exception in a group of one, as a handler's task group raises it."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


payload_io = PayloadIO()
"""The program's registry, where endpoints register unless told otherwise."""
