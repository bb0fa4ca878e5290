"""The server of this process, with its event loop and its threads.

Takes the settings, gives the default `Server`, made when the first connection or the lifespan
needs it and made anew in a forked process. Everything else takes its server as an argument.
"""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import Context, copy_context
from dataclasses import dataclass, field, fields, replace
from typing import TypeVar

from django.db import transaction

from django_vortex.conf import VortexSettings, get_settings
from django_vortex.live.changes import Change
from django_vortex.live.looks import looks
from django_vortex.live.options import LiveOptions
from django_vortex.live.sweep import SweepOptions
from django_vortex.routing.payload_io import payload_io
from django_vortex.server.connection import Connection
from django_vortex.server.large_work import LargeWork
from django_vortex.server.live_parts import Live
from django_vortex.server.options import ServerOptions
from django_vortex.server.sequenced_fan_out import SequencedFanOut
from django_vortex.server.server import Server
from django_vortex.transports.database_threads import DatabaseThreads
from django_vortex.transports.evaluating import make_live
from django_vortex.transports.flow import Flow
from django_vortex.transports.identity_tables import NOBODY, IdentityTables
from django_vortex.transports.layer import make_fan_out
from django_vortex.transports.lone_process import LoneProcess
from django_vortex.transports.prepared_frames import burst
from django_vortex.transports.recheck import DjangoJudge
from django_vortex.transports.shutdown import SignalChain
from django_vortex.transports.threads import BlockingPool
from django_vortex.tuples.registry import registry
from django_vortex.wire.codec import Codec
from django_vortex.wire.limits import Limits
from django_vortex.wire.pieces import MAX_PIECED_BYTES

SESSION_THREADS = 4
"""Threads that look up who peers are; handlers that block do not block these."""

LAST_CHANCE_SECONDS = 0.2
"""What peers have at least for reading the end of their streams when the server stops."""

POLL_SECONDS = 0.02
"""How often a stopping server looks whether they have."""

_T = TypeVar("_T")


@dataclass(slots=True)
class _Hub:
    """What belongs to one server; found again by process and loop."""

    pid: int
    loop: asyncio.AbstractEventLoop
    server: Server
    pools: tuple[BlockingPool | DatabaseThreads, ...]
    databases: DatabaseThreads
    sessions: BlockingPool
    signals: SignalChain
    lone: LoneProcess
    fan_out: SequencedFanOut | None
    flows: set[Flow] = field(default_factory=set)

    @property
    def is_current(self) -> bool:
        """Whether this was made in this process and its loop may still run."""
        return self.pid == os.getpid() and not self.loop.is_closed()

    def retire(self) -> None:
        """Release what outlives the loop; a forked process has none of the threads."""
        self.signals.uninstall()
        if self.pid == os.getpid():
            self.lone.release()
            for pool in self.pools:
                pool.stop()


_hub: _Hub | None = None


def current() -> Server | None:
    """Return the server of this process, None if there is none (yet). From any thread."""
    hub = _hub
    return hub.server if hub is not None and hub.is_current else None


def loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop of the server of this process, None without one. From any thread."""
    hub = _hub
    return hub.loop if hub is not None and hub.is_current else None


def get_server() -> Server:
    """Return the server of this process; made if need be, for the running loop.

    Raises:
        RuntimeError: No loop runs here, or the server runs on another one that is still running.
    """
    return _get_hub().server


def get_flows() -> set[Flow]:
    """Return the connections that the ASGI server has open here; the outermost application's list.

    Called for the first connection, this makes the hub, so that whoever sends from a thread finds
    its loop.
    """
    return _get_hub().flows


def call_at_end(flow: Flow, function: Callable[[], object]) -> bool:
    """Call a function on the loop when a request is over; False if it is already. From any thread.

    Args:
        flow: Of a request that is no stream.
        function: What is called then.
    """
    hub = _hub
    if hub is None or flow not in hub.flows:
        return False
    before = flow.on_end

    def end() -> None:
        if before is not None:
            before()
        function()

    flow.on_end = end
    return True


def handler_connections() -> AbstractContextManager[None]:
    """Let handlers that start in this context have their database connections cleaned up."""
    return _get_hub().databases.entered()


def enter_handler_context() -> None:
    """Do what `handler_connections` does, for the rest of this context."""
    _get_hub().databases.enter()


def make_handler_context() -> Context:
    """Return a copy of the caller's context for what starts on the server's loop, likewise."""
    hub = _hub
    return copy_context() if hub is None else hub.databases.make_context()


async def run_session_sync(function: Callable[[], _T], /) -> _T:
    """Run a function that reads sessions or users, in a thread pool apart from that of handlers."""
    return await _get_hub().sessions.run_sync(function)


async def flush(seconds: float) -> int:
    """Wait until the layer has what this server published; on its loop.

    Args:
        seconds: How long at most.

    Returns:
        How many records still wait.
    """
    hub = _hub
    if hub is None or not hub.is_current or hub.fan_out is None:
        return 0
    return await hub.fan_out.flush(seconds)


async def stop() -> None:
    """Close all connections and the server, in bounded time. New connections are refused."""
    hub = _hub
    if hub is None or not hub.is_current:
        return
    seconds = get_settings().shutdown_seconds
    deadline = hub.loop.time() + seconds
    await hub.server.stop(seconds)
    hub.lone.release()
    deadline = max(deadline, hub.loop.time() + LAST_CHANCE_SECONDS)
    while any(flow.is_started for flow in hub.flows) and hub.loop.time() < deadline:
        await asyncio.sleep(POLL_SECONDS)
    for flow in tuple(hub.flows):
        if flow.is_started:
            flow.abort()


def _get_hub() -> _Hub:
    global _hub
    hub = _hub
    running = asyncio.get_running_loop()
    if hub is not None and hub.loop is running and hub.pid == os.getpid():
        return hub
    if hub is not None and hub.is_current and hub.loop.is_running():
        raise RuntimeError("The vortex of this process runs on another event loop")
    if hub is not None:
        hub.retire()
    _hub = _make_hub(running)
    return _hub


def _make_hub(running: asyncio.AbstractEventLoop) -> _Hub:
    settings = get_settings()
    handlers = BlockingPool(settings.threads, "vortex-handler")
    large = BlockingPool(1, "vortex-large")
    codec = Codec(registry, _limits(settings))
    payload_io.bind(
        run_sync=handlers.run_sync,
        run_large=LargeWork(large.run_sync, settings.large_share).run,
        after_commit=transaction.on_commit,
        codec=codec,
        loop=running,
    )
    fan_out = None if settings.channel_layer is None else make_fan_out(settings.channel_layer)
    sessions = BlockingPool(SESSION_THREADS, "vortex-session")
    judge = DjangoJudge(sessions.run_sync)
    live = _make_live(settings, sessions) if settings.live else None
    server = Server(
        payload_io,
        codec,
        _options(settings),
        fan_out=fan_out,
        judge=judge,
        live=live,
        burst=burst,
    )
    signals = SignalChain(running, stop)
    signals.install()
    lone = LoneProcess(settings.name)
    if fan_out is None:
        lone.claim(running)
    else:
        server.start_soon()  # with the lifespan, or the first request of any kind
    databases = DatabaseThreads(settings.threads, "vortex-database")
    pools = (handlers, sessions, large, databases)
    return _Hub(os.getpid(), running, server, pools, databases, sessions, signals, lone, fan_out)


def _make_live(settings: VortexSettings, threads: BlockingPool) -> Live:
    options = LiveOptions(
        **{
            one.name: getattr(settings, one.name)
            for one in fields(LiveOptions)
            if hasattr(settings, one.name)
        }
    )
    sweep = SweepOptions(looks.look, threads.run_sync, settings.sweep_seconds)
    live = make_live(payload_io, _get_connections, options)
    return replace(live, note=_note_identities, sweep=sweep)


_identity_tables = IdentityTables()


def _note_identities(changes: Sequence[Change]) -> None:
    """Check the peers of users whose rights have changed, here or in another process."""
    server, concerned = current(), _identity_tables.find(changes)
    if server is None or concerned is NOBODY:
        return
    if concerned.is_everybody:
        server.logins.check_all()
    else:
        server.logins.check_users(concerned.users)


def _get_connections() -> Mapping[str, Connection]:
    """Return the peers of this process's server, from any thread."""
    server = current()
    return {} if server is None else server.connections


def _options(settings: VortexSettings) -> ServerOptions:
    """Return the settings that the server has fields for."""
    return ServerOptions(**{one.name: getattr(settings, one.name) for one in fields(ServerOptions)})


def _limits(settings: VortexSettings) -> Limits:
    return Limits(
        message_bytes=settings.max_message_bytes,
        inflated_bytes=settings.max_inflated_bytes,
        pieced_bytes=min(MAX_PIECED_BYTES, settings.outbox_max_bytes // 2),
        depth=settings.max_depth,
        tuples=settings.max_tuples,
    )
