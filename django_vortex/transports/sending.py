"""Send to peers from any thread of any process: `send`, `flush`, `aflush`.

Takes an envelope and whom it is for, gives a future; from any thread, with or without an event
loop, in a process with or without a server. A process without a server may be a worker that ends by
``os._exit``: there a caller that is not on a loop waits until the layer has taken the message.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeAlias

from django.core.exceptions import SynchronousOnlyOperation

from django_vortex.exceptions import DefinitionError, DeliveryError, quoted
from django_vortex.logs import get_limited_logger
from django_vortex.routing.address import Address
from django_vortex.routing.payload_io import payload_io
from django_vortex.routing.ports import PushEnvelope, is_on_loop
from django_vortex.server.fan_out import Record
from django_vortex.server.server import Server
from django_vortex.transports import hub
from django_vortex.transports.publisher import ANSWER_SECONDS, FLUSH_SECONDS, Publisher
from django_vortex.wire.codec import Codec
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload

logger = get_limited_logger(__name__)

_publisher = Publisher()

CallServer: TypeAlias = Callable[[Callable[[Server], int]], "Future[int]"]
"""Calls a function with a server, on its loop; gives a future of what it returns."""


@dataclass(frozen=True, slots=True)
class _Diversion:
    """Where all goes that would reach peers, in tests."""

    push: PushEnvelope
    call: CallServer | None


_diversion: _Diversion | None = None


def send(
    message: Payload | PayloadEnvelope,
    *,
    to_peer: Any = None,
    to_name: str | None = None,
    to_user: Any = None,
    wait: bool = True,
) -> "Future[int]":
    """Send to every connected peer, or to those that fit all arguments.

    Sends at once: call it through ``transaction.on_commit`` if it announces a change that is not
    committed yet. In a process without a server, such as a command or a worker of a task queue, it
    returns when the channel layer has taken the message, after 5 seconds at the latest, so that
    nothing is lost however the process ends. On an event loop, and where the server of the process
    takes the message, it returns at once.

    Args:
        message: Its filt needs a ``key``. A queryset in it is evaluated at once.
        to_peer: A peer or its uuid.
        to_name: The vortex name of the peers.
        to_user: A user or a primary key.
        wait: Whether to wait for the channel layer; with False call `flush` before the process
            ends.

    Returns:
        A future of how many peers of this process it was queued for, 0 where there are none; a
        `DeliveryError` in it means that nobody could be reached. It may be ignored.

    Raises:
        DefinitionError: The message has no key, or something in it can not be encoded, or the
            user has no primary key.
        DeliveryError: The channel layer failed, or did not take the message in time; only where
            the call waits.
    """
    envelope = message if isinstance(message, PayloadEnvelope) else _wrap(message)
    if not isinstance(envelope.filt.get("key"), str):
        raise DefinitionError(
            f"Filt {quoted(envelope.filt)} has no 'key'; routing looks that up first"
        )
    to = Address.of(to_peer=to_peer, to_name=to_name, to_user=to_user)
    return _push(envelope, to, wait=wait)


def flush(timeout: float = FLUSH_SECONDS) -> int:
    """Wait until the channel layer has taken everything that this process has sent.

    Needed after ``send(..., wait=False)``, and after sending on an event loop, in a process that
    may end without a clean-up. A message that the layer has refused no longer counts: the future of
    `send` has the error, and the log.

    Args:
        timeout: How many seconds to wait at most; 0 returns the count at once.

    Returns:
        How many messages the layer has not taken yet, 0 if it has all.

    Raises:
        SynchronousOnlyOperation: An event loop runs in this thread; await `aflush` there.
    """
    if is_on_loop():
        raise SynchronousOnlyOperation("flush() would block the event loop: await aflush()")
    return _flush(timeout)


async def aflush(timeout: float = FLUSH_SECONDS) -> int:
    """Do what `flush` does, on an event loop.

    Args:
        timeout: How many seconds to wait at most; 0 returns the count at once.

    Returns:
        How many messages the layer has not taken yet, 0 if it has all.
    """
    return await asyncio.to_thread(_flush, timeout)


def push(envelope: PayloadEnvelope, to: Address, /, *, coalesce: bool = False) -> "Future[int]":
    """Push an envelope to peers of all processes; what `PayloadIO.push` is bound to.

    Waits for the layer as `send` does, but its failures are in the future.

    Args:
        envelope: Nobody may change it any more.
        to: Whom to.
        coalesce: Whether it makes earlier ones with the same filt superfluous.
    """
    try:
        return _push(envelope, to, coalesce=coalesce)
    except DeliveryError as error:
        failed: Future[int] = Future()
        failed.set_exception(error)
        _log_failure(envelope, failed)
        return failed


def _push(
    envelope: PayloadEnvelope, to: Address, *, coalesce: bool = False, wait: bool = True
) -> "Future[int]":
    if _diversion is not None:
        return _diversion.push(envelope, to, coalesce=coalesce)
    server, loop = hub.current(), hub.loop()
    if server is None or loop is None or not loop.is_running():
        encode(envelope, payload_io.codec)
        future = _publisher.push(
            envelope,
            to,
            coalesce=coalesce,
            codec=payload_io.codec,
            wait=wait and not is_on_loop(),
        )
    else:
        encode(envelope, server.codec)
        future = _run_here(
            loop, lambda made: push_to(server, made, envelope, to, coalesce=coalesce)
        )
    future.add_done_callback(partial(_log_failure, envelope))
    return future


def call_server(
    function: Callable[[Server], int], make_record: Callable[[], Record], *, wait: bool = True
) -> "Future[int]":
    """Call a function with the server of this process, or tell those of others what it would do.

    Args:
        function: Called on the server's loop; it tells the other processes itself.
        make_record: Makes the record for them where no server runs here.
        wait: Whether to wait for the layer, as `send` does.

    Returns:
        A future of what the function returns, 0 where there is no server.

    Raises:
        DeliveryError: Waited, and the layer failed.
    """
    if _diversion is not None and _diversion.call is not None:
        return _diversion.call(function)
    server, loop = hub.current(), hub.loop()
    if server is None or loop is None or not loop.is_running():
        return _publisher.publish(make_record(), wait=wait and not is_on_loop())
    return _run_here(loop, lambda made: call_to(server, made, function))


@contextmanager
def divert(push: PushEnvelope, call: CallServer | None = None) -> Iterator[None]:
    """Redirect everything that is sent to peers while the context lasts, for tests.

    Args:
        push: Takes what is pushed.
        call: Takes what is done with the server; None leaves that as it is.
    """
    global _diversion
    before, _diversion = _diversion, _Diversion(push, call)
    try:
        yield
    finally:
        _diversion = before


def _flush(seconds: float) -> int:
    left = _publisher.flush(seconds)
    loop = hub.loop()
    if loop is None or not loop.is_running():
        return left
    published = asyncio.run_coroutine_threadsafe(hub.flush(seconds), loop)
    try:
        return left + published.result(seconds + ANSWER_SECONDS)
    except TimeoutError:
        published.cancel()
        raise DeliveryError(
            f"The event loop of this process's server did not answer within {seconds:g} s"
        ) from None


def encode(envelope: PayloadEnvelope, codec: Codec) -> None:
    """Encode the payload for all dialects, in the thread that may read its tuples."""
    envelope.encode_for_all(codec, datetime.now(UTC))


def _wrap(payload: Payload) -> PayloadEnvelope:
    return PayloadEnvelope(dict(payload.filt or {}), payload)


def _run_here(
    loop: asyncio.AbstractEventLoop, function: Callable[["Future[int]"], None]
) -> "Future[int]":
    future: Future[int] = Future()

    def run() -> None:
        if future.set_running_or_notify_cancel():
            function(future)

    context = hub.make_handler_context()  # what is built for peers asks databases there
    if _is_running_here(loop):
        context.run(run)
        return future
    try:
        loop.call_soon_threadsafe(run, context=context)
    except RuntimeError:  # closed in this very moment
        future.set_exception(DeliveryError("The server of this process has ended"))
    return future


def push_to(
    server: Server, future: "Future[int]", envelope: PayloadEnvelope, to: Address, *, coalesce: bool
) -> None:
    """Push to the peers of a server, on its loop.

    Args:
        server: Whose peers.
        future: Gets their number when it is decided who they are.
        envelope: As of `push`.
        to: As of `push`.
        coalesce: As of `push`.
    """
    try:
        server.push(envelope, to, coalesce=coalesce, report_pushed=future.set_result)
    except Exception as error:
        future.set_exception(error)


def call_to(server: Server, future: "Future[int]", function: Callable[[Server], int]) -> None:
    """Call a function with a server, on its loop; the future gets what it returns."""
    try:
        future.set_result(function(server))
    except Exception as error:
        future.set_exception(error)


def _log_failure(envelope: PayloadEnvelope, future: "Future[int]") -> None:
    """Write what reached nobody: whoever sends need not look at the future."""
    if not future.cancelled() and isinstance(error := future.exception(), DeliveryError):
        logger.warning("A push with the filt %s reached nobody: %s", quoted(envelope.filt), error)


def _is_running_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
