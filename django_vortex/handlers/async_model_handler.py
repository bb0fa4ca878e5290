"""`AsyncModelHandler`: the coroutine form of `ModelHandler`."""

import asyncio
import inspect
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django_vortex.exceptions import DefinitionError
from django_vortex.handlers.base import BaseHandler
from django_vortex.routing.peer import Peer
from django_vortex.routing.replies import Work, estimate_work, list_payload
from django_vortex.routing.request import Request
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload


class AsyncModelHandler(BaseHandler):
    """Read-only data under a filt, built by coroutines.

    Subclasses set ``filt`` and define `build_model`. All methods run on the event loop; a queryset
    that `build_model` returns is listed off it.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in ("build_model", "pre_process", "post_process"):
            if not inspect.iscoroutinefunction(getattr(cls, name)):
                text = f"{cls.__qualname__}.{name} is no coroutine function; use ModelHandler"
                raise DefinitionError(text)

    @abstractmethod
    async def build_model(self, request: Request) -> Payload | Iterable[Any] | None:
        """Return the data: a payload, tuples, a queryset, or None for no tuples.

        Args:
            request: Who asks for what; `Request.is_push` if it is built to be pushed.
        """

    async def pre_process(self, request: Request) -> None:
        """Run before the data is built for a request; raise an exception to refuse it."""

    async def post_process(self, request: Request, payload: Payload) -> None:
        """Run before the data is sent as the answer to a request."""

    async def handle(self, request: Request) -> Payload:
        """Answer a request with the data, between the two hooks."""
        if request.is_push:
            return await self._list(await self.build_model(request))
        await self.pre_process(request)
        payload = await self._list(await self.build_model(request))
        await self.post_process(request, payload)
        return payload

    async def send_model_update(
        self, *, to_peer: Peer | str | None = None, to_name: str | None = None, to_user: Any = None
    ) -> int:
        """Build the data and push it.

        Only peers that the permission lets read get it. For one peer or user it is built where that
        is, as if it asked now. For many it is built once; if `build_model` looks at the user or
        anything else of the peer, each gets its own, for which it is called again.

        Args:
            to_peer: Only to this peer, or the one with this uuid.
            to_name: Only to peers that call themselves so.
            to_user: Only to the peers of this user, or the one with this primary key.

        Returns:
            How many peers of this process it was queued or is built for.

        Raises:
            DeliveryError: Nobody could be reached.
        """
        to = self.make_address(to_peer, to_name, to_user)
        envelope = None if to.is_each else await self._build_for_many()
        if envelope is None:
            envelope, to = PayloadEnvelope(dict(self.filt)), replace(to, is_each=True)
        return await asyncio.wrap_future(self.payload_io.push(envelope, to, coalesce=True))

    async def _build_for_many(self) -> PayloadEnvelope | None:
        """Build the envelope that is the same for all peers; None if there is no such."""
        request = self.make_push_request()
        try:
            payload = await self._list(await self.build_model(request))
        except Exception:
            if self.note_personal(request):
                return None
            raise
        if self.note_personal(request):
            return None
        return await self.payload_io.read(payload, lambda: self.make_push_envelope(payload))

    async def _list(self, result: Any) -> Payload:
        if estimate_work(result) is Work.BLOCKING:
            return await self.payload_io.run_sync(lambda: list_payload(result))
        return list_payload(result)
