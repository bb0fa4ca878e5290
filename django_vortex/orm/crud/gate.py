"""Who may write to an `OrmCrudHandler` at all, asked before the tuples of a message are decoded.

Takes the permissions of a handler's models, gives the permission of its endpoint. What is done to
which rows is asked again, in the transaction and of each model.
"""

from collections.abc import Sequence
from typing import Final

from django_vortex.exceptions import PermissionDenied, WireError
from django_vortex.routing.permission import Action, Permission, Verdict
from django_vortex.routing.request import Request
from django_vortex.typedefs import RunSync
from django_vortex.wire.plain import is_true

MAX_WEIGHT: Final = 8192
"""A payload of more has tuples: released clients send an empty one, with their filt, to read.

See `PayloadEnvelope.weigh`.
"""


class CrudGate(Permission):
    """Lets through who may do anything of what a message with a payload may want.

    A message without one has nothing to decode, and passes. Whoever is pushed a row has to be
    allowed to retrieve.

    Args:
        permissions: Those of the models, the first model's first.
    """

    def __init__(self, permissions: Sequence[Permission]) -> None:
        self._permissions = permissions

    @property
    def may_block(self) -> bool:  # type: ignore[override]
        """Whether one of the permissions may."""
        return True in [one.may_block for one in self._permissions]  # a generator takes longer

    @property
    def is_awaited(self) -> bool:  # type: ignore[override]
        """Whether one of the permissions is."""
        return True in [one.is_awaited for one in self._permissions]

    def allows(self, request: Request, action: Action) -> Verdict:
        """Ask the permissions of all models for what the message may want.

        Raises:
            PermissionDenied: The peer may do none of it.
        """
        if request.is_push:
            return self._permissions[0].allows(request, Action.RETRIEVE)
        if not request.envelope.has_payload:
            return True
        actions = _find_actions(request)
        for permission in self._permissions:
            for one in actions:
                verdict = permission.allows(request, one)
                if verdict is True or request.resolve(verdict):
                    return True
        return _reads_only(request)

    async def ask(self, request: Request, action: Action, run_sync: RunSync) -> bool:
        """Ask in a thread, but only for what takes long to decode.

        Short payloads are decoded by then: the transaction asks anyway, and once is enough.
        """
        if request.is_push:
            return await self._permissions[0].ask(request, Action.RETRIEVE, run_sync)
        if request.envelope.weigh() <= MAX_WEIGHT:
            return True
        for permission in self._permissions:
            for one in _find_actions(request):
                if await permission.ask(request, one, run_sync):
                    return True
        return _reads_only(request)

    def __repr__(self) -> str:
        return " or ".join(dict.fromkeys(map(repr, self._permissions)))


def _find_actions(request: Request) -> tuple[Action, ...]:
    if is_true(request.filt.get("delete")):
        return (Action.DELETE,)
    return Action.CREATE, Action.UPDATE


def _reads_only(request: Request) -> bool:
    """Let through a peer that may not write and sends a payload without tuples, to read.

    Raises:
        PermissionDenied: There are tuples, or whatever is no payload.
    """
    wanted = " or ".join(action.value for action in _find_actions(request))
    refusal = PermissionDenied(f"You may not {wanted} here")
    if request.envelope.weigh() > MAX_WEIGHT:
        raise refusal
    try:
        has_tuples = bool(request.tuples)
    except WireError:
        raise refusal from None
    if has_tuples:
        raise refusal
    return True
