"""`AsyncModelHandler`: the coroutine form of `ModelHandler`."""

import asyncio
import inspect
from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

from django_vortex.exceptions import DefinitionError
from django_vortex.handlers.base import BaseHandler
from django_vortex.routing.address import Address
from django_vortex.routing.peer import Peer
from django_vortex.routing.replies import list_payload, may_block
from django_vortex.routing.request import Request
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
        """Give the data: a payload, tuples, a queryset, or None for no tuples.

        Args:
            request: Who asks for what. `Request.is_push` if nobody does, then its user is None.
        """

    async def pre_process(self, request: Request) -> None:
        """Do something before the data is built for somebody who asked; raise to refuse."""

    async def post_process(self, request: Request, payload: Payload) -> None:
        """Do something with the data before it is sent to somebody who asked."""

    async def handle(self, request: Request) -> Payload:
        """Answer a request with the data."""
        await self.pre_process(request)
        payload = await self._list(await self.build_model(request))
        await self.post_process(request, payload)
        return payload

    async def send_model_update(
        self, *, to_peer: Peer | str | None = None, to_name: str | None = None, to_user: Any = None
    ) -> int:
        """Build the data and push it.

        Args:
            to_peer: Only to this peer, or the one with this uuid.
            to_name: Only to peers that call themselves so.
            to_user: Only to the peers of this user, or the one with this primary key.

        Returns:
            How many peers of this process it was queued for.

        Raises:
            DeliveryError: Nobody could be reached.
        """
        payload = await self._list(await self.build_model(self.make_push_request()))
        to = Address.of(to_peer=to_peer, to_name=to_name, to_user=to_user)
        envelope = await self.payload_io.read(payload, lambda: self.make_push_envelope(payload))
        pushed = self.payload_io.push(envelope, to, coalesce=True)
        return await asyncio.wrap_future(pushed)

    async def _list(self, result: Any) -> Payload:
        if may_block(result):
            return await self.payload_io.run_sync(lambda: list_payload(result))
        return list_payload(result)
