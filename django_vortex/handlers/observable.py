"""Observables: how observers of released clients reach queries (PROTOCOL 11).

Takes messages that name an observable, and by a `TupleSelector` a query with its arguments; answers
them with the answer of the query, and lets the server show the peer what becomes of it.
"""

import weakref
from dataclasses import replace
from typing import Any, Final

from django_vortex.exceptions import (
    DefinitionError,
    MalformedMessage,
    UnknownEndpoint,
    did_you_mean,
    quoted,
)
from django_vortex.handlers.declared_query import get_query
from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.lifetime import constructed_at
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permissions import AllowAny
from django_vortex.routing.replies import make_answer
from django_vortex.routing.request import Request
from django_vortex.tuples import TupleSelector
from django_vortex.typedefs import Filt
from django_vortex.wire.envelope import PayloadEnvelope

OBSERVABLE_KEY: Final = "tupleDataObservable"
"""The ``key`` of all messages of observers."""

SELECTOR: Final = "tupleSelector"
"""The filt key of what is observed."""


class Observable:
    """What observers reach under one name.

    Args:
        payload_io: The registry of its queries.
        filt: Of its endpoint.
    """

    def __init__(self, payload_io: PayloadIO, filt: Filt) -> None:
        self._payload_io = payload_io
        self._queries: weakref.WeakValueDictionary[str, PayloadEndpoint] = (
            weakref.WeakValueDictionary()
        )
        self.endpoint = PayloadEndpoint(
            filt,
            self.handle,
            permission=AllowAny,  # that of the query is asked
            payload_io=payload_io,
            owner=payload_io,
        )

    def add(self, name: str, endpoint: PayloadEndpoint) -> None:
        """Let observers reach a query under its name."""
        self._queries[name] = endpoint

    async def handle(self, request: Request) -> PayloadEnvelope | None:
        """Answer an observer: with the data, unless it observes no longer.

        Raises:
            PeerError: There is no such query, or it refuses.
        """
        filt = request.filt
        selector = _read_selector(filt)
        observers = self._payload_io.observers
        observer = _read_observer(filt)
        pushed = {**self.endpoint.filt, SELECTOR: selector}
        if filt.get("unsubscribe"):
            if observers is not None:
                observers.unsubscribe(request, pushed, observer)
            return None
        endpoint = self._find(selector, request)
        query = get_query(endpoint)
        if query is None:
            raise _unknown(selector, self._queries)
        question = query.make_filt(selector.selector, is_native=request.dialect.is_native)
        if observers is not None and filt.get("subscribe", True):
            await observers.subscribe(request, endpoint, question, pushed, observer)
            return None
        return await self._answer(endpoint, question, request)

    async def _answer(
        self, endpoint: PayloadEndpoint, question: Filt, request: Request
    ) -> PayloadEnvelope:
        """Return the answer of a query, written for whoever observes it."""
        asked = request.for_another()
        asked.envelope = PayloadEnvelope(question)
        reply = await self._payload_io.answer(endpoint, asked)
        request.retry_after = asked.retry_after
        if reply is None or (reply.result is None and not reply.has_payload):
            return make_answer([], request, self._payload_io.clock())
        return reply

    def _find(self, selector: TupleSelector, request: Request) -> PayloadEndpoint:
        wanted = self._queries.get(selector.name)
        for endpoint in self._payload_io.find({"key": selector.name}, request.peer.name):
            if endpoint is wanted and wanted is not None:
                return wanted
        raise _unknown(selector, self._queries)


def check_additional_filt(value: Any, where: str) -> Filt:
    """Return what the filts of observers have beside the name of the observable.

    Raises:
        DefinitionError: It is no dict, or says something else.
    """
    beside = {} if value is None else value
    if not isinstance(beside, dict) or beside.keys() & {"key", "name", SELECTOR}:
        raise DefinitionError(
            f"{where}: additional_filt is a dict without 'key', 'name' and {SELECTOR!r}, "
            f"got {quoted(value)}"
        )
    return beside


def register_observable(
    name: str, endpoint: PayloadEndpoint, observable: str | None, beside: Filt
) -> None:
    """Let observers reach a query.

    Args:
        name: Of the query.
        endpoint: Of the query.
        observable: The name of the observable; None is that of the server, which may not be known
            yet.
        beside: What their filts have beside that.
    """
    payload_io = endpoint.payload_io
    reference = weakref.ref(endpoint)

    def register() -> None:
        wanted = reference()
        if wanted is not None:
            named = payload_io.get_name() if observable is None else observable
            filt = {**beside, "key": OBSERVABLE_KEY, "name": named}
            _get_observable(payload_io, filt, wanted).add(name, wanted)

    if observable is None:
        payload_io.call_before_lookup(register)
    else:
        register()


def _get_observable(payload_io: PayloadIO, filt: Filt, first: PayloadEndpoint) -> Observable:
    """Return the observable of a filt, which is made with its first query."""
    for endpoint in payload_io.find_exactly(filt):
        made = getattr(endpoint.handler, "__self__", None)
        if isinstance(made, Observable):
            return made
    with constructed_at(replace(first.site, module=None)):  # it outlives the module's next run
        return Observable(payload_io, filt)


def _read_selector(filt: Filt) -> TupleSelector:
    selector: Any = filt.get(SELECTOR)
    if not isinstance(selector, TupleSelector) or not isinstance(selector.name, str):
        raise MalformedMessage(
            f"Expected a TupleSelector with the name of a query, got {quoted(selector)}",
            f"$.filt.{SELECTOR}",
        )
    if not isinstance(selector.selector, dict):
        raise MalformedMessage(
            f"Expected `dict`, got {quoted(selector.selector)}", f"$.filt.{SELECTOR}.selector"
        )
    return selector


def _read_observer(filt: Filt) -> str:
    """Return what an observer calls itself; those of VortexJS have no names."""
    name = filt.get("observerName")
    return name if isinstance(name, str) else ""


def _unknown(selector: TupleSelector, known: Any) -> UnknownEndpoint:
    return UnknownEndpoint(
        f"No query answers {quoted(selector.name)} here{did_you_mean(selector.name, known)}",
        f"$.filt.{SELECTOR}.name",
    )
