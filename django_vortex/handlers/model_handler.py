"""`ModelHandler`: data that is built for each request, and pushed when it changes."""

import inspect
from abc import abstractmethod
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, TypeVar

from django_vortex.exceptions import DefinitionError
from django_vortex.handlers.base import BaseHandler
from django_vortex.routing.peer import Peer
from django_vortex.routing.replies import list_payload
from django_vortex.routing.request import Request
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload

_T = TypeVar("_T")


class ModelHandler(BaseHandler):
    """Read-only data under a filt, built by plain functions.

    Subclasses set ``filt`` and define `build_model`. All methods run where they may block.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in ("build_model", "pre_process", "post_process"):
            if inspect.iscoroutinefunction(getattr(cls, name)):
                text = f"{cls.__qualname__}.{name} is a coroutine function; use AsyncModelHandler"
                raise DefinitionError(text)

    @abstractmethod
    def build_model(self, request: Request) -> Payload | Iterable[Any] | None:
        """Return the data: a payload, tuples, a queryset, or None for no tuples.

        Args:
            request: Who asks for what; `Request.is_push` if it is built to be pushed.
        """

    def pre_process(self, request: Request) -> None:
        """Run before the data is built for a request; raise an exception to refuse it."""

    def post_process(self, request: Request, payload: Payload) -> None:
        """Run before the data is sent as the answer to a request."""

    def handle(self, request: Request) -> Payload:
        """Answer a request with the data, between the two hooks."""
        if request.is_push:
            return list_payload(self.build_model(request))
        self.pre_process(request)
        payload = list_payload(self.build_model(request))
        self.post_process(request, payload)
        return payload

    def send_model_update(
        self, *, to_peer: Peer | str | None = None, to_name: str | None = None, to_user: Any = None
    ) -> "Future[int]":
        """Build the data and push it, after the caller's transaction has committed.

        Only peers that the permission lets read get it. For one peer or user it is built where that
        is, as if it asked now. For many it is built once; if `build_model` looks at the user or
        anything else of the peer, each gets its own, for which it is called again.

        What is built once is built in the caller's thread; on an event loop, which must not wait,
        in another.

        Args:
            to_peer: Only to this peer, or the one with this uuid.
            to_name: Only to peers that call themselves so.
            to_user: Only to the peers of this user, or the one with this primary key.

        Returns:
            A future of how many peers of this process it was queued or is built for. It stays
            without result if the transaction is rolled back.
        """

        def build(request: Request) -> PayloadEnvelope:
            return self.make_push_envelope(list_payload(self.build_model(request)))

        return self.push_update(
            self.make_address(to_peer, to_name, to_user),
            self.filt,
            build,
            lambda request: self._run_on_loop(lambda: build(request)),
            self.after_commit,
            needs_loop=self._needs_loop,
        )

    @property
    def _needs_loop(self) -> bool:
        """Whether the model can be built on a loop alone."""
        return False

    async def _run_on_loop(self, function: Callable[[], _T]) -> _T:
        """Run what calls methods of the handler, for a caller on a loop."""
        return await self.payload_io.run_sync(function)

    def after_commit(self, function: Callable[[], object]) -> None:
        """Call a function when the caller's transaction has committed, at once if there is none."""
        self.payload_io.after_commit(function)
