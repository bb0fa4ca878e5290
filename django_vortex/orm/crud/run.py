"""One request of an `OrmCrudHandler`: its transaction, and what follows the commit.

Takes a handler and a request, gives the outcome with the answer that was encoded before the commit.
Nothing that fails behind the commit is told as a failure: it is logged, and the answer stays.
"""

import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol, TypeVar

from django_vortex.exceptions import LoadsOnLoop
from django_vortex.live.answers import find_tag
from django_vortex.logs import get_limited_logger
from django_vortex.orm.crud.answer import make_read_answer
from django_vortex.orm.crud.extension import Context, has_hook
from django_vortex.orm.crud.items import Done
from django_vortex.orm.crud.refusals import explain_refusal
from django_vortex.orm.crud.work import Outcome
from django_vortex.orm.store import RefusedByDatabase, Store, Unit
from django_vortex.orm.waiting import await_guarded
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permission import Action
from django_vortex.routing.ports import is_on_loop
from django_vortex.routing.replies import MAX_TUPLES_ON_LOOP, make_answer
from django_vortex.routing.request import Request

logger = get_limited_logger(__name__)

_T = TypeVar("_T")

_ACTION_HOOKS = {
    Action.CREATE: "after_create_commit",
    Action.UPDATE: "after_update_commit",
    Action.DELETE: "after_delete_commit",
}


class CrudHost(Protocol):
    """What a run needs of its handler."""

    store: Store

    @property
    def payload_io(self) -> PayloadIO:
        """The registry of the handler."""


class CrudRun:
    """The way of one request.

    Args:
        handler: Who is asked.
        do: What is done in the transaction.
        request: Who asks.
        is_loaded: Whether it is to be known what the asker has then.
    """

    def __init__(
        self,
        handler: CrudHost,
        do: Callable[[Request, Unit], Outcome],
        request: Request,
        *,
        is_loaded: bool = False,
    ) -> None:
        self._handler = handler
        self._do = do
        self._request = request
        self._is_loaded = is_loaded
        self._done: Sequence[Done] = ()

    async def run(self) -> Outcome:
        """Do all of it.

        Raises:
            ValidationError: The database refuses something at the commit.
        """
        handler = self._handler
        try:
            outcome = await handler.store.run(self._work)
        except RefusedByDatabase as error:
            if not self._done:
                raise
            raise explain_refusal(error, self._done) from error  # at the commit
        if outcome.result is None:
            outcome.answer = await make_read_answer(outcome, self._request, handler.payload_io)
        await self._call_hooks(outcome.done)
        return outcome

    def _work(self, unit: Unit) -> Outcome:
        self._done = ()
        outcome = self._do(self._request, unit)
        self._done = outcome.done
        payload_io, tuples = self._handler.payload_io, outcome.tuples
        if self._is_loaded:
            outcome.tag = self._encode(partial(find_tag, tuples, payload_io.codec), outcome, unit)
        if outcome.result is not None:
            # A change whose answer cannot be encoded is not stored: the peer would send it again.
            date, result = payload_io.clock(), outcome.result
            answer = partial(make_answer, tuples, self._request, date, result=result)
            outcome.answer = self._encode(answer, outcome, unit)
        return outcome

    def _encode(self, function: Callable[[], _T], outcome: Outcome, unit: Unit) -> _T:
        """Return what a function makes of an outcome, while that can still be undone."""
        if not is_on_loop():
            return function()
        if len(outcome.tuples) <= MAX_TUPLES_ON_LOOP:
            with suppress(LoadsOnLoop):
                return function()
        # The loop has other things to do than to encode much.
        return unit.wait(self._handler.payload_io.run_sync(function))

    async def _call_hooks(self, done: Sequence[Done]) -> None:
        """Call what waits for the commit; that can fail nothing any more."""
        for one in done:
            name = _ACTION_HOOKS[one.action]
            if name not in one.plan.hooks:
                continue
            model = one.plan.spec.model
            context = Context(self._request, self._handler, model, one.action, None)
            for extension in one.plan.extensions:
                if not has_hook(extension, name):
                    continue
                try:
                    await self._call_hook(getattr(extension, name), context, one.row)
                except (Exception, SystemExit):
                    logger.exception("%s of %r failed after the commit", name, extension)

    async def _call_hook(
        self, hook: Callable[[Context, Any], Any], context: Context, row: Any
    ) -> None:
        if inspect.iscoroutinefunction(hook):
            await await_guarded(hook(context, row))
            return
        result = await self._handler.payload_io.run_sync(partial(hook, context, row))
        if inspect.isawaitable(result):
            await await_guarded(result)
