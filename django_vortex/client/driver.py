"""What keeps a client connected: one task that owns the only attempt and the only connection.

Takes a `Core` and ways to open a `Line`, runs until it is stopped or the server refuses for good.
Everything else only cuts its waits short.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import random
from typing import Final

from django_vortex.client.addresses import Target
from django_vortex.client.backoff import STABLE_SECONDS, Backoff
from django_vortex.client.core import Core, Due
from django_vortex.client.endings import Ending
from django_vortex.client.errors import ClientError, Closed, Refused, UpdateRequired
from django_vortex.client.feeds import Feeds
from django_vortex.client.line import Line, LineEnded, OpenLine, TooLongForLine, close_line
from django_vortex.client.news import Offline, Online
from django_vortex.client.outgoing import Message
from django_vortex.client.tokens import Tokens
from django_vortex.client.waking import Doubt, Waking
from django_vortex.exceptions import LimitExceeded
from django_vortex.logs import get_limited_logger

logger = get_limited_logger("django_vortex.client")

ATTEMPT_SECONDS: Final = 10.0
"""How long an attempt may take, from the token to the server's first word."""

MAX_ATTEMPT_SECONDS: Final = 30.0
"""The same after several that were too slow."""

INFO_SECONDS: Final = 5.0
"""How long the server's first word may take over HTTP; after that short responses are tried."""

TICK_SECONDS: Final = 0.25
"""How often the time is looked at."""

LATE_SECONDS: Final = 2.0
"""A look at the time that comes so late says that something has blocked the event loop."""

FIRST_OWN_CODE: Final = 4000
"""Close codes from here on are the words of a server that a WebSocket has led to."""

LEAVING_SPAN: Final = 0.1
"""Within so many seconds a client that has left a server that stops comes back."""

RETURN_SECONDS: Final = (60.0, 300.0, 1800.0)
"""After so long over HTTP a WebSocket is tried again, and with short responses also one that
streams; the last one repeats."""

SHORT_TRANSPORT: Final = "http"
"""The transport that can have short responses."""


class Driver:
    """The connection of one client.

    Args:
        core: Of the client.
        target: Where to connect.
        tokens: Who to be.
        transports: By name what opens a line, the best one first.
        feeds: Of the client; they hear of events, and the stream is held while they are full.
        wall: The clock of the machine, by which a suspend is noticed, and nothing else.
    """

    def __init__(
        self,
        core: Core,
        target: Target,
        tokens: Tokens,
        transports: Mapping[str, OpenLine],
        feeds: Feeds,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._core = core
        self._target = target
        self._tokens = tokens
        self._transports = transports
        self._names = list(transports)
        self._feeds = feeds
        self._backoff = Backoff(random)
        self._wall = wall
        self._loop = asyncio.get_running_loop()
        self._waking = Waking(self._loop.time(), wall())
        self._moving = asyncio.Event()
        self._work = asyncio.Event()
        self._online = asyncio.Event()
        self._written = asyncio.Event()
        self._attempt_seconds = ATTEMPT_SECONDS
        self._chosen = 0
        """Index of the transport that the next attempt uses."""
        self._is_short = False
        """Whether attempts over HTTP ask for short responses."""
        self._returns = 0
        self._name = ""
        self._is_writing = False
        self._said = target.said
        """What the newest attempt has said of who the client is, beside the token."""
        self._online_at = float("inf")
        self.last_ending = Ending("There was no attempt yet")
        """Why there is no connection."""

    @property
    def online(self) -> asyncio.Event:
        """Set while there is a connection."""
        return self._online

    @property
    def written(self) -> asyncio.Event:
        """Set whenever messages may have left the queue."""
        return self._written

    def begin_anew(self) -> None:
        """Forget how connections went and who the client was; for the next `run`."""
        self._online.clear()
        self._backoff.succeed(STABLE_SECONDS)
        self._tokens.begin_anew()

    def wake(self) -> None:
        """There is something to write."""
        self._work.set()

    async def run(self) -> ClientError:
        """Connect and come back until the server refuses for good; return that error."""
        was_unauthenticated = False
        while True:
            self._online_at = float("inf")
            ending = self.last_ending = await self._connect_once()
            self._core.give_up_session(self._loop.time())
            self._tell_lost()
            lasted = self._loop.time() - self._online_at
            self._backoff.succeed(lasted, has_progress=self._core.session.take_progress())
            if lasted >= STABLE_SECONDS:
                was_unauthenticated = False
            if ending.is_refusal or (
                ending.is_unauthenticated and (was_unauthenticated or self._is_same_again())
            ):
                refused = UpdateRequired if ending.is_outdated else Refused
                return refused(ending.reason, ending.code)
            was_unauthenticated |= ending.is_unauthenticated
            wait = self._backoff.get_wait(ending)
            logger.info("Not connected (%s), next attempt in %.1f s", ending.reason, wait)
            await asyncio.sleep(wait)

    async def _connect_once(self) -> Ending:
        """Make one attempt and serve the connection that it gives; return how that ended."""
        name = self._names[self._chosen]
        line: Line | None = None
        ending = Ending("The client was closed")
        was_online = stays = False
        may_be_short = name == SHORT_TRANSPORT and self._core.say_session is not None
        is_short = may_be_short and self._is_short
        info_seconds = INFO_SECONDS if may_be_short and not is_short else None
        waiting_for_info: asyncio.Timeout | None = None
        try:
            async with asyncio.timeout(self._attempt_seconds):
                token = await self._tokens.ask()
                async with asyncio.timeout(info_seconds) as waiting_for_info:
                    line = await self._open(name, token, is_short=is_short)
                    await self._wait_for_info(line)
                if is_short and not self._core.session.is_active:
                    raise LineEnded(Ending("The server has no short responses"))
            was_online = True
            self._is_short = is_short
            self._go_online(name)
            await self._serve(line)
        except TimeoutError:
            self._attempt_seconds = min(MAX_ATTEMPT_SECONDS, 1.5 * self._attempt_seconds)
            stays = waiting_for_info is not None and waiting_for_info.expired()
            if may_be_short:
                self._is_short = stays
            ending = Ending("The server said nothing in time")
        except LineEnded as error:
            ending = error.ending
        finally:
            self._online.clear()
            self._core.end(ending, self._loop.time())
            if line is not None:
                await close_line(line)
        if was_online:
            self._feeds.tell(Offline(ending.reason))
        elif not stays and ending.code < FIRST_OWN_CODE:  # perhaps the other transport gets through
            self._chosen = (self._chosen + 1) % len(self._names)
        return ending

    async def _open(self, name: str, token: str | None, *, is_short: bool) -> Line:
        core = self._core
        address = self._target.address(core.address, token, core.say_session)
        if is_short:
            address = replace(address, is_short=True)
        self._said = self._target.said
        line = await self._transports[name](address, self._core.first_texts)
        self._core.begin(self._loop.time(), framed=line.framed)
        return line

    def _is_same_again(self) -> bool:
        """Return whether the next attempt would say the same; at best it would be anonymous."""
        return not self._tokens.is_asked and self._target.said == self._said

    async def _wait_for_info(self, line: Line) -> None:
        while not self._core.is_online:
            ending = self._core.receive(await line.receive(), self._loop.time())
            if ending is not None:
                raise LineEnded(ending)

    def _go_online(self, name: str) -> None:
        server = self._core.server
        assert server is not None
        self._attempt_seconds = ATTEMPT_SECONDS
        self._online_at = self._loop.time()
        self._name = name
        self._online.set()
        self._work.set()
        self._tell_lost()
        self._feeds.tell(Online(name, server.name, self._core.is_resumed))

    def _tell_lost(self) -> bool:
        """Tell what was lost; return whether the session was."""
        lost = self._core.losses.take()
        if lost is None:
            return False
        self._feeds.tell(lost)
        return lost.pushes

    async def _serve(self, line: Line) -> None:
        """Read, write and look at the time until one of them ends; raises `LineEnded`."""
        self._moving.clear()
        tasks = [
            asyncio.create_task(work(line), name=f"vortex-{work.__name__}")
            for work in (self._read, self._write, self._watch, self._move)
        ]
        if self._chosen or self._is_short:
            tasks.append(asyncio.create_task(self._return_to_best(), name="vortex-return"))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        errors = [one for one in results if isinstance(one, Exception)]
        endings = [one for one in errors if isinstance(one, LineEnded)]
        unknown = [one for one in errors if not isinstance(one, LineEnded)]
        if unknown:
            logger.error("The client failed", exc_info=unknown[0])
            raise LineEnded(Ending(f"The client failed: {unknown[0]!r}")) from unknown[0]
        # What the server said comes first; the others only notice that the line is gone.
        raise next(
            (one for one in endings if one.ending.code),
            endings[0] if endings else LineEnded(Ending("A task of the client was cancelled")),
        )

    async def _read(self, line: Line) -> None:
        core, time, feeds = self._core, self._loop.time, self._feeds
        while True:
            if feeds.is_full:
                await feeds.make_room()
            try:
                data = await line.receive()
            except TooLongForLine as error:
                core.refuse_posted(error.texts, LimitExceeded(str(error)))
                data = b""
            self._waking.hear()
            ending = core.receive(data, time())
            if ending is not None:
                raise LineEnded(ending)
            if core.has_news:
                self._take_news()
            if core.move_span is not None:
                self._moving.set()

    def _take_news(self) -> None:
        """Go on with what has waited for the server to acknowledge, or to say who it is."""
        self._core.has_news = False
        self._work.set()
        self._written.set()
        if self._core.server is not None and self._tell_lost():  # with the response to a POST
            self._feeds.tell(Online(self._name, self._core.server.name))

    async def _write(self, line: Line) -> None:
        while True:
            self._is_writing = False
            await self._work.wait()
            self._work.clear()
            self._is_writing = True
            try:
                await self._write_all(line)
            finally:
                self._written.set()  # what was given up has made room, too

    async def _write_all(self, line: Line) -> None:
        core = self._core
        while True:
            batch = core.take(self._loop.time())
            if core.session.is_active:
                if batch:
                    await self._send_counted(line, batch)
                beat = core.take_beat(self._loop.time())
                if beat is not None:
                    await (line.beat(beat) if beat else line.send([]))
                if not batch:
                    return
                continue
            if not batch:
                return
            while not await self._send(line, batch):
                half = len(batch) // 2
                core.put_back(batch[half:])
                batch = batch[:half]
            self._written.set()

    async def _send_counted(self, line: Line, batch: Sequence[Message]) -> None:
        """Write messages that have numbers: they are written again where they have not arrived."""
        try:
            await line.send([message.text for message in batch])
        except TooLongForLine as error:
            self._core.refuse_written(batch, LimitExceeded(str(error)))
        except LineEnded as error:
            self._core.session.note_not_written(len(batch) - error.written)
            raise

    async def _send(self, line: Line, batch: Sequence[Message]) -> bool:
        """Write messages that were taken; return whether they are settled, or too many at once."""
        core = self._core
        try:
            await line.send([message.text for message in batch])
        except TooLongForLine as error:
            if len(batch) > 1:
                return False
            core.refuse(batch[0], LimitExceeded(str(error)))
            return True
        except LineEnded as error:
            core.put_back(batch[error.written :])
            core.outgoing.confirm(error.written)
            raise
        except BaseException:
            core.outgoing.confirm(len(batch))
            raise
        core.outgoing.confirm(len(batch))
        return True

    async def _watch(self, line: Line) -> None:
        """Look at the time; after a blocked loop let what is there be read before judging."""
        waking = self._waking = Waking(self._loop.time(), self._wall())
        while True:
            before = self._loop.time()
            await asyncio.sleep(TICK_SECONDS)
            late = self._loop.time() - before - TICK_SECONDS
            doubt = waking.look(self._loop.time(), self._wall())
            if doubt is Doubt.ASK and self._core.session.is_active:
                logger.info("The clock has leapt: is the connection still there?")
                self._core.ask_counts(by_post=True)
                self._work.set()
            elif doubt is Doubt.END and self._core.session.is_active:
                raise LineEnded(Ending("The server has not answered after a suspend", is_own=True))
            if late > LATE_SECONDS:
                logger.warning("Something has blocked the event loop for %.1f s", late)
                continue
            due = self._core.tick(self._loop.time())
            self._written.set()  # what was late has made room
            if not self._core.outgoing.is_empty:  # what was late is cancelled
                self._work.set()
            if due is Due.END:
                raise LineEnded(Ending("The server has been silent for too long", is_own=True))
            if due is Due.BEAT:
                self._core.ask_counts()
                self._work.set()
                if self._is_writing or not self._core.session.is_active:
                    await line.beat()
            elif self._core.is_beat_due:
                self._work.set()

    async def _move(self, line: Line) -> None:
        """Leave a server that has asked for it, at a random moment of the span that it gives."""
        await self._moving.wait()
        await asyncio.sleep(self._backoff.spread(self._core.move_span or 0.0))
        reason = "The server stops and has asked to come back"
        raise LineEnded(
            Ending(reason, span_seconds=LEAVING_SPAN, is_move=True, keeps_requests=line.framed)
        )

    async def _return_to_best(self) -> None:
        """Wait until it is time to try what is better, then prove that it works."""
        while True:
            index = min(self._returns, len(RETURN_SECONDS) - 1)
            await asyncio.sleep(RETURN_SECONDS[index])
            self._returns += 1
            if self._chosen and await self._prove(self._names[0], ATTEMPT_SECONDS):
                self._chosen = self._returns = 0
                self._is_short = False
                raise LineEnded(Ending("A WebSocket works now", keeps_requests=True))
            if self._is_short and await self._prove(SHORT_TRANSPORT, INFO_SECONDS):
                self._is_short = False
                raise LineEnded(Ending("Responses stream now", keeps_requests=True))

    async def _prove(self, name: str, seconds: float) -> bool:
        """Return whether a transport carries a beat both ways, as another client."""
        with contextlib.suppress(LineEnded, TimeoutError):
            async with asyncio.timeout(seconds):
                token = await self._tokens.ask()
                query = {**self._core.address, "vortexUuid": f"{self._core.uuid}-probe"}
                line = await self._transports[name](
                    self._target.address(query, token), self._core.first_texts
                )
                try:
                    await line.receive()
                    await line.beat()
                    await line.receive()
                finally:
                    await close_line(line)
                return True
        return False


def closed() -> Closed:
    """Return the error of whoever asks a closed client."""
    return Closed("The client is closed")
