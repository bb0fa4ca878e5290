"""What a peer asks to watch: who answers it, and whether the peer may.

Takes the tuples of a request for watches, gives filts with names, tags and endpoints, or says what
is wrong.
"""

from typing import Any

from django_vortex.exceptions import (
    DefinitionError,
    HandlerError,
    PermissionDenied,
    TooManyRequests,
    UnknownEndpoint,
    ValidationError,
    quoted,
)
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.routing.permission import READING
from django_vortex.routing.registered import Registered
from django_vortex.routing.request import Request
from django_vortex.tuples import TupleRegistry
from django_vortex.tuples.canonical import canonical_text
from django_vortex.typedefs import Filt
from django_vortex.wire.reserved import MESSAGE_ID


def read_asked(asked: Any, index: int) -> tuple[Filt, str | None]:
    """Return filt and tag of one watch that a peer asks for.

    Raises:
        ValidationError: It is none.
    """
    filt = asked.get("filt") if isinstance(asked, dict) else None
    tag = asked.get("tag") if isinstance(asked, dict) else None
    if not isinstance(filt, dict) or not isinstance(filt.get("key"), str):
        text = "Expected a dict with a filt that has a key"
        raise ValidationError(errors=[{"index": index, "field": "filt", "messages": [text]}])
    if tag is not None and not isinstance(tag, str):
        raise ValidationError(
            errors=[{"index": index, "field": "tag", "messages": ["Expected a text, or null"]}]
        )
    return {name: value for name, value in filt.items() if name != MESSAGE_ID}, tag


def write_filt(filt: Filt, registry: TupleRegistry) -> str:
    """Return the name of what is shown under a filt.

    Raises:
        ValidationError: The filt holds something that has no canonical text.
    """
    try:
        return canonical_text(filt, registry)
    except DefinitionError as error:
        raise ValidationError(str(error)) from error


def find_watchable(payload_io: PayloadIO, filt: Filt, peer: Peer) -> Registered:
    """Return the endpoint whose answer a peer asks to watch.

    Raises:
        PeerError: There is none, or more than one.
    """
    found = payload_io.find(filt, peer.name)
    watchable = [one for one in found if one.watchable is not None]
    if len(watchable) == 1:
        return watchable[0]
    key = quoted(filt.get("key"))
    if not found:
        raise UnknownEndpoint(f"Nothing answers {key}", "$.filt.key")
    if not watchable:
        raise HandlerError(f"The answers of {key} cannot be watched: it is no query")
    raise HandlerError(f"{len(watchable)} handlers answer {key}, and one can be watched")


async def demand(payload_io: PayloadIO, endpoint: Registered, filt: Filt, peer: Peer) -> None:
    """Refuse a peer that may not watch, or asks too often.

    Where each user has an answer of its own, its evaluation asks for the permission.
    """
    if endpoint.rates is not None and (wait := endpoint.rates.admit(peer)):
        raise TooManyRequests(wait)
    if endpoint.watchable is None or endpoint.watchable.scope != "all":
        return
    request = Request.for_push(filt, peer, payload_io.codec)
    try:
        may_watch = await endpoint.permission.ask(request, READING, payload_io.run_sync)
    except Exception as error:
        raise payload_io.explain(endpoint, peer.name, error) from error
    if not may_watch:
        raise PermissionDenied("You may not ask for this")
