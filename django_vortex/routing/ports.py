"""The interfaces that routing needs from the layers above, with defaults until they are bound."""

import asyncio
import datetime
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from django_vortex.exceptions import DefinitionError, DeliveryError, HandlerError
from django_vortex.routing.address import Address
from django_vortex.routing.permission import Permission
from django_vortex.routing.permissions import PACKAGE_DEFAULT
from django_vortex.routing.registered import Registered
from django_vortex.routing.request import Request
from django_vortex.typedefs import Filt, RunSync
from django_vortex.wire.envelope import PayloadEnvelope

_T = TypeVar("_T")


class PushEnvelope(Protocol):
    """Queues an envelope for peers and returns at once, from any thread."""

    def __call__(
        self, envelope: PayloadEnvelope, to: Address, /, *, coalesce: bool
    ) -> "Future[int]":
        """Return a future of how many peers of this process it was queued for.

        Args:
            envelope: What is sent.
            to: Whom to.
            coalesce: Whether a later push with the same filt replaces this one while both wait.
        """


class GetPermission(Protocol):
    """Finds the permission of handlers that name none, each time somebody asks."""

    def __call__(self, *, edits_rows: bool) -> Permission:
        """Return it.

        Args:
            edits_rows: Whether the handler lets peers edit rows of a table.
        """


class RunLarge(Protocol):
    """Runs large decoding and encoding off the loop, when it is a peer's turn."""

    def __call__(self, peer: str, function: Callable[[], _T], /) -> Awaitable[_T]:
        """Return what the function gives, once it has run.

        Args:
            peer: The uuid of the peer it is for.
            function: What to run; it waits for nothing.
        """


class AfterCommit(Protocol):
    """Calls a function when the caller's database transaction has committed."""

    def __call__(self, function: Callable[[], object], /) -> object:
        """Call it then, at once if there is no transaction, never if it is rolled back."""


class TranslateError(Protocol):
    """Recognises exceptions of a framework that say something to whoever asked."""

    def __call__(self, error: BaseException, /) -> HandlerError | None:
        """Return the error that a peer is told instead; None is not for peers."""


class ReadStatement(Protocol):
    """Reads the rows of a statement that knows no connection, as a ``select()`` of SQLAlchemy."""

    def __call__(
        self,
        statement: Any,
        session_factory: Callable[[], Any],
        run_sync: RunSync,
        /,
        *,
        on_loop: bool,
    ) -> Any:
        """Return the rows, or what is awaited for them: on a loop, and of asynchronous sessions.

        Args:
            statement: What is read.
            session_factory: Makes the session for it.
            run_sync: Runs what blocks in a thread.
            on_loop: Whether the caller must not be blocked.
        """


class Observers(Protocol):
    """Shows observers of released clients what becomes of answers, whole each time."""

    async def subscribe(
        self,
        request: Request,
        endpoint: Registered,
        question: Filt,
        pushed: Filt,
        observer: str,
        /,
    ) -> None:
        """Show the answer to a question to whoever asks, now and whenever it has changed.

        Args:
            request: Its filt is that of the first answer.
            endpoint: Who answers.
            question: What it is asked, in our own dialect.
            pushed: The filt of all further answers, which tells subscriptions of a peer apart.
            observer: What the observer calls itself; several in one peer share what is pushed.

        Raises:
            PeerError: The peer may not, or observes too much.
        """

    def unsubscribe(self, request: Request, pushed: Filt, observer: str, /) -> None:
        """End what `subscribe` has begun for a peer under such a filt, if it has."""


class Load(Protocol):
    """One request for something that its peer may watch from then on."""

    is_list: bool
    """Whether it asks for a list, and not for one row."""

    def keep(self, tag: str | None) -> None:
        """Push changes of the answer from now on.

        Args:
            tag: Of the answer; None is not known.
        """

    def note(self, tag: str | None) -> None:
        """Note what the peer has got by its own change, if it is pushed that already.

        Args:
            tag: Of the answer to the change; None is not the answer that is pushed.
        """


class Loads(Protocol):
    """Pushes what peers have loaded to them when it changes."""

    async def begin(
        self, request: Request, question: Filt, pushed: Filt, /, *, is_list: bool
    ) -> Load | None:
        """Begin to answer a request, when those before it for the same are answered.

        Args:
            request: Calls what waits when it is answered.
            question: What is asked.
            pushed: The filt under which changes are pushed.
            is_list: Whether it asks for a list.

        Returns:
            What notes the outcome; None if nothing is remembered of this.
        """


def get_package_name() -> str:
    """Return what a server is called that has no settings."""
    return "django_vortex"


def get_package_default(*, edits_rows: bool) -> Permission:
    """Return what holds without settings: everybody reads, whoever is logged in writes."""
    return PACKAGE_DEFAULT


def push_nowhere(envelope: PayloadEnvelope, to: Address, /, *, coalesce: bool) -> "Future[int]":
    """Fail, since nobody has bound the registry to a server."""
    future: Future[int] = Future()
    future.set_exception(
        DeliveryError("Nothing to push with: no server is bound to this PayloadIO")
    )
    return future


def call_now(function: Callable[[], object], /) -> object:
    """Call a function at once, where nothing is known of transactions."""
    return function()


def know_no_error(error: BaseException, /) -> HandlerError | None:
    """Return None: without a framework no exception is translated."""
    return None


def read_nothing(
    statement: Any, session_factory: Callable[[], Any], run_sync: RunSync, /, *, on_loop: bool
) -> Any:
    """Fail, since nobody has bound the registry to an ORM."""
    raise DefinitionError("Nothing to read statements with: this PayloadIO is bound to no ORM")


async def run_in_thread(function: Callable[[], _T], /) -> _T:
    """Run a function in asyncio's own threads."""
    return await asyncio.to_thread(function)


def utc_now() -> datetime.datetime:
    """Return the current time in UTC."""
    return datetime.datetime.now(datetime.UTC)


def is_on_loop() -> bool:
    """Return whether the caller runs on an event loop, which must not be blocked."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def is_task_cancelled() -> bool:
    """Return whether a `CancelledError` is meant for the task, and not from what it awaited."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
