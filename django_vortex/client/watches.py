"""All watches of one client: `Watches`.

Takes readers, asks the server for what they watch, and gives each the newest answer. Whoever
watches the same shares one subscription; what begins in the same turn of the loop, and everything
after a reconnection, travels in one message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final

from django_vortex.client.answers import read_answer, read_error
from django_vortex.client.core import Core
from django_vortex.client.errors import (
    ClientError,
    Closed,
    FateUnknown,
    NotConnected,
    WatchEnded,
)
from django_vortex.client.feeds import Feeds
from django_vortex.client.news import Event, Lost, Online
from django_vortex.client.requests import Outcome, Pending
from django_vortex.client.subscription import Subscription, may_pass
from django_vortex.client.watch import Watch
from django_vortex.client.watched import News, Snapshot
from django_vortex.exceptions import (
    MalformedMessage,
    UnknownEndpoint,
    VortexError,
    WireError,
    quoted,
    shortened,
)
from django_vortex.logs import get_limited_logger
from django_vortex.routing.filt import check_filt
from django_vortex.tuples.canonical import canonical_text
from django_vortex.typedefs import Filt
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload
from django_vortex.wire.plain import is_true
from django_vortex.wire.reserved import (
    IS_ENDED,
    TO_TAG,
    UNWATCH_KEY,
    WATCH_KEY,
    WATCH_NAME,
    WATCHED_KEY,
)

logger = get_limited_logger("django_vortex.client")

ASK_SECONDS: Final = 30.0
"""How long the server may take to say that it watches."""

MAX_IN_MESSAGE: Final = 1000
"""How many watches one message asks for; what is more goes into another."""

MAX_EARLY: Final = 100
"""How many pushes are kept that come before the reply which says what they belong to."""


class Watches:
    """The subscriptions of one client; for the event loop on which it was made.

    Args:
        core: Of the client.
        feeds: Of the client; readers end with them.
        wake: Called when there is something to write.
    """

    def __init__(self, core: Core, feeds: Feeds, wake: Callable[[], object]) -> None:
        self._core = core
        self._feeds = feeds
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._by_text: dict[str, Subscription] = {}
        self._by_name: dict[str, Subscription] = {}
        self._due: dict[Subscription, None] = {}
        self._left: dict[Subscription, None] = {}
        self._asked: dict[Pending, list[Subscription]] = {}
        self._early: list[PayloadEnvelope] = []
        self._orphans: set[str] = set()
        self._ended: set[str] = set()
        self._is_scheduled = False
        core.listeners.add({"key": WATCHED_KEY}, self._receive)
        feeds.hear(self._hear)

    def __len__(self) -> int:
        return len(set(self._by_text.values()))

    def open(self, filt: Filt) -> Watch:
        """Return a reader of the answer to a filt.

        Raises:
            DefinitionError: The filt has no text under ``key``, or holds what cannot travel.
        """
        checked = check_filt(filt)
        text = canonical_text(checked, self._core.codec.registry)
        subscription = self._by_text.get(text)
        if subscription is None:
            subscription = Subscription(deepcopy(checked), self._core.codec)
            self._by_text[text] = subscription
            self._ask_soon(subscription)
        watch = Watch(subscription)
        self._feeds.adopt(watch, lambda put: self._add_reader(text, put, watch.finish))
        return watch

    def finish(self) -> None:
        """Forget all, as the client has ended."""
        for subscription in {*self._by_text.values(), *self._due}:
            subscription.stop()
        for pending in list(self._asked):
            self._core.requests.forget(pending.id)
        for one in (self._by_text, self._by_name, self._due, self._left, self._asked):
            one.clear()
        self._early.clear()
        self._orphans.clear()
        self._ended.clear()

    def _add_reader(
        self,
        text: str,
        put: Callable[[Snapshot], None],
        finish: Callable[[ClientError], None],
    ) -> Callable[[], None]:
        subscription = self._by_text[text]
        subscription.add_reader(put, finish)

        def remove() -> None:
            # Another one may have been found to be the same by now.
            current = subscription.newest
            if current.remove_reader(put):
                self._left[current] = None
                self._schedule()

        return remove

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._work)

    def _ask_soon(self, subscription: Subscription) -> None:
        subscription.stop()
        self._due[subscription] = None
        self._schedule()

    def _work(self) -> None:
        """Do what has come together in this turn of the loop."""
        self._is_scheduled = False
        self._leave()
        if not self._core.is_online:
            return  # everything is asked for when there is a connection
        due = [one for one in self._due if one.has_readers and not one.is_asked]
        self._due.clear()
        for start in range(0, len(due), MAX_IN_MESSAGE):
            self._ask(due[start : start + MAX_IN_MESSAGE])

    def _leave(self) -> None:
        """End what nobody reads any more."""
        left = [one for one in self._left if not one.has_readers]
        self._left.clear()
        for subscription in left:
            if self._by_name.pop(subscription.name, None) is not None:
                self._orphans.add(subscription.name)
            self._forget(subscription)
        self._end_orphans()

    def _end_orphans(self) -> None:
        """Let the server end what it watches for nobody.

        While it is asked for something else, that may turn out to be the same watch.
        """
        if self._asked:
            return
        names = [name for name in self._orphans if name not in self._by_name]
        self._orphans.clear()
        self._ended.update(names)
        if names:
            filt: Filt = {"key": UNWATCH_KEY}
            self._core.outgoing.put(self._core.encode(filt, Payload(filt, names)))
            self._wake()

    def _forget(self, subscription: Subscription) -> None:
        subscription.stop()
        self._due.pop(subscription, None)
        for text in [text for text, one in self._by_text.items() if one is subscription]:
            del self._by_text[text]

    def _ask(self, due: list[Subscription]) -> None:
        tuples = [{"filt": one.filt, "tag": one.get_tag()} for one in due]
        pending: Pending | None = None

        def settle(outcome: Outcome) -> None:
            asked = None if pending is None else self._asked.pop(pending, None)
            if asked is not None:
                self._settle(asked, outcome)

        filt: Filt = {"key": WATCH_KEY}
        now = self._loop.time()
        pending, message = self._core.request(filt, Payload(filt, tuples), ASK_SECONDS, now, settle)
        self._asked[pending] = due
        for one in due:
            one.is_asked = True
        excess = self._core.get_excess(message)
        if excess is not None:
            self._core.requests.settle(pending.id, excess)
            return
        self._core.outgoing.put(message)
        self._wake()

    def _settle(self, asked: list[Subscription], outcome: Outcome) -> None:
        """Take the reply to a message, or learn that there is none."""
        for one in asked:
            one.is_asked = False
        if isinstance(outcome, Closed | NotConnected):
            return  # readers hear of the end from the client
        if isinstance(outcome, FateUnknown):
            for one in asked:
                self._ask_soon(one)
            return
        try:
            if isinstance(outcome, Exception):
                raise outcome
            told = read_answer(outcome, self._core.codec).tuples
            if len(told) != len(asked):
                raise MalformedMessage(f"Asked for {len(asked)} watches, {len(told)} were answered")
        except UnknownEndpoint as error:
            ended = "The server knows no watches: it is older than this client, or LIVE is off"
            for one in asked:
                self._end(one, WatchEnded(ended, error))
        except VortexError as error:
            for one in asked:
                self._fail(one, error)
        else:
            for one, answer in zip(asked, told, strict=True):
                self._confirm(one, answer)
        if not self._asked:
            self._drop_early()
            self._end_orphans()

    def _confirm(self, subscription: Subscription, told: Any) -> None:
        """Take what the server says to one watch."""
        name = told.get(WATCH_NAME) if isinstance(told, dict) else None
        if not isinstance(name, str):
            result = told.get("error") if isinstance(told, dict) else f"No reply: {quoted(told)}"
            self._fail(subscription, read_error(PayloadEnvelope(result=result), self._core.codec))
            return
        if not subscription.has_readers:
            self._orphans.add(name)
            return
        self._ended.discard(name)
        known = self._by_name.setdefault(name, subscription)
        if known is not subscription:  # the server takes both filts for the same
            self._merge(subscription, known)
            return
        subscription.name = name
        if name in self._orphans:  # what was shown under it went to another one, which has left
            self._orphans.discard(name)
            subscription.needs_whole = True
        if subscription.needs_whole:
            self._ask_again(subscription)
        early = [one for one in self._early if one.filt.get(WATCH_NAME) == name]
        if early:
            self._early = [one for one in self._early if one.filt.get(WATCH_NAME) != name]
        for envelope in early:
            self._take(subscription, envelope)

    def _merge(self, subscription: Subscription, known: Subscription) -> None:
        for text, one in list(self._by_text.items()):
            if one is subscription:
                self._by_text[text] = known
        subscription.move_readers(known)
        subscription.stop()

    def _fail(self, subscription: Subscription, error: VortexError) -> None:
        """Tell that there is no answer; ask again after a while where that may help."""
        if not may_pass(error):
            self._end(subscription, WatchEnded.of(error))
            return
        subscription.error = error
        logger.warning("A watch waits: %s", shortened(str(error)))
        if self._core.is_online:
            self._ask_again(subscription, error)

    def _end(self, subscription: Subscription, error: WatchEnded) -> None:
        if self._by_name.pop(subscription.name, None) is not None:
            self._ended.add(subscription.name)
        self._forget(subscription)
        subscription.finish(error)

    def _ask_again(self, subscription: Subscription, error: VortexError | None = None) -> None:
        """Ask later, each time after a longer while until there is an answer."""
        if subscription.is_asked or subscription.is_waiting or subscription in self._due:
            return
        seconds = subscription.get_pause(error)
        if seconds:
            subscription.wait(self._loop.call_later(seconds, self._ask_soon, subscription))
        else:
            self._ask_soon(subscription)

    def _hear(self, event: Event) -> None:
        """Ask for everything again in a new session, in one message."""
        if isinstance(event, Lost):
            return  # the connection says whether watches are concerned
        if isinstance(event, Online) and event.resumed:
            for subscription in self._by_text.values():
                subscription.is_current |= subscription.was_current
            self._work()
            return
        for subscription in self._by_text.values():
            subscription.was_current = subscription.is_current
            subscription.is_current = False
        if not isinstance(event, Online):
            return
        for pending, asked in list(self._asked.items()):
            self._core.withdraw(pending)
            for one in asked:
                one.is_asked = False
        self._asked.clear()
        self._early.clear()
        self._ended.clear()
        self._end_orphans()
        self._due.clear()
        for subscription in self._by_text.values():
            subscription.stop()
            self._due[subscription] = None
        self._work()

    def _receive(self, envelope: PayloadEnvelope) -> None:
        """Take a push."""
        name = str(envelope.filt.get(WATCH_NAME))
        subscription = self._by_name.get(name)
        if subscription is not None:
            self._take(subscription, envelope)
        elif envelope.filt.get(IS_ENDED) is True:
            return
        elif self._asked and len(self._early) < MAX_EARLY:
            self._early.append(envelope)
        elif self._asked:  # what is missed is asked for
            self._drop_early()
            for one in (one for asked in self._asked.values() for one in asked):
                one.needs_whole = True
        elif name not in self._ended:  # a reply was lost, and the server knows its peer again
            self._orphans.add(name)
            self._end_orphans()

    def _drop_early(self) -> None:
        """Forget pushes that belong to nothing, and have the server end what they are about."""
        self._orphans.update(str(one.filt.get(WATCH_NAME)) for one in self._early)
        self._early.clear()

    def _take(self, subscription: Subscription, envelope: PayloadEnvelope) -> None:
        codec = self._core.codec
        if envelope.result is not None and not is_true(envelope.result):
            error = read_error(envelope, codec)
            if envelope.filt.get(IS_ENDED) is True:
                self._end(subscription, WatchEnded.of(error))
            else:
                subscription.error = error
                subscription.is_current = False
            return
        if TO_TAG not in envelope.filt:
            return  # what it was about is over at the server, since it was asked for again
        try:
            news = subscription.watched.receive(
                envelope.filt, lambda: envelope.decode_payload(codec).tuples
            )
        except WireError as error:
            logger.warning("An answer cannot be read: %s", shortened(str(error)))
            subscription.error = error
            news = News.UNFIT
        if news is News.UNFIT:
            subscription.needs_whole = True
            subscription.is_current = False
            self._ask_again(subscription)
        else:
            subscription.show(news)
