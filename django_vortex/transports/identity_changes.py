"""Tell all processes that a user or a session has changed: `disconnect`, `identity_changed`.

Takes users, sessions and peers, tells the server of this process and those of all others at once;
from any thread, with or without a loop, in a process that has peers or in one that has none.
"""

from concurrent.futures import Future
from dataclasses import replace
from typing import Any
from uuid import UUID

from django_vortex.exceptions import DefinitionError, DeliveryError, quoted
from django_vortex.logs import get_limited_logger
from django_vortex.routing.peer import Peer
from django_vortex.server.logins import Aim, Change
from django_vortex.server.server import Server
from django_vortex.transports import hub
from django_vortex.transports.flow import SCOPE_KEY
from django_vortex.transports.sending import call_server

logger = get_limited_logger(__name__)


def disconnect(
    *, user: Any = None, peer: Any = None, session: Any = None, wait: bool = True
) -> "Future[int]":
    """End the streams of a user, a peer or a session, in all processes.

    Peers that fit all arguments are closed with code 4401: queued messages are dropped, their
    requests are cancelled and their uuids are free. It logs nobody out: a peer that reconnects is
    authenticated by its cookies or its token as before, so log out or deactivate the user first. It
    waits for the channel layer where `send` does.

    Args:
        user: A user or a primary key.
        peer: A peer or its uuid.
        session: A session or its key.
        wait: Whether to wait for the channel layer in a process without a server.

    Returns:
        A future of how many peers of this process were ended; a `DeliveryError` in it means that
        nobody could be reached. It may be ignored.

    Raises:
        DefinitionError: Nothing is given, or something that names nobody.
        DeliveryError: Waited, and the channel layer failed, or did not take it in time.
    """
    aim = Aim(_uuid_of(peer), _user_key(user), _session_key(session))
    if aim == Aim():
        raise DefinitionError("Nobody to disconnect: name a user, a peer or a session")
    future = call_server(lambda server: server.logins.disconnect(aim), aim.to_record, wait=wait)
    future.add_done_callback(_log_failure)
    return future


def identity_changed(user: Any = None, session: Any = None) -> "Future[int]":
    """Let all processes check the peers of a user or a session again at once.

    Args:
        user: A user or a primary key, whose rights, state or password may have changed.
        session: A session or its key, that may have ended.

    Returns:
        A future of 0, with a `DeliveryError` in it when nobody could be reached.

    Raises:
        DefinitionError: Nothing is given, or something that names nobody.
        DeliveryError: The channel layer failed, or did not take it in time.
    """
    change = Change(_user_key(user), _session_key(session))
    if change == Change():
        raise DefinitionError("Nobody's identity: name a user or a session")
    return _spread(change)


def note_logout(*, request: Any = None, user: Any = None, **_: object) -> None:
    """Take Django's ``user_logged_out``, which comes before the session is deleted.

    The processes are told when the response has left, and ask until the session is gone.
    """
    session_key = getattr(getattr(request, "session", None), "session_key", None)
    user_key = None if getattr(user, "pk", None) is None else str(user.pk)
    if session_key is None and user_key is None:
        return
    begun = Change(user_key, session_key and str(session_key), "begun")
    answered = replace(begun, logout="answered")
    _spread_quietly(begun)
    flow = getattr(request, "scope", {}).get(SCOPE_KEY)
    if flow is None or not hub.call_at_end(flow, lambda: _spread_quietly(answered)):
        _spread_quietly(answered)


def _spread_quietly(change: Change) -> None:
    """Spread the news of a logout, which must neither fail nor wait for the sake of that."""
    try:
        _spread(change, wait=False)
    except Exception:
        logger.exception("Peers were not told of a logout")


def _log_failure(future: "Future[int]") -> None:
    """Write what reached nobody: whoever disconnects need not look at the future."""
    if not future.cancelled() and isinstance(error := future.exception(), DeliveryError):
        logger.warning("A disconnect reached nobody: %s", error)


def _spread(change: Change, *, wait: bool = True) -> "Future[int]":
    def spread(server: Server) -> int:
        server.logins.spread(change)
        return 0

    return call_server(spread, change.to_record, wait=wait)


def _uuid_of(peer: Peer | UUID | str | None) -> str | None:
    uuid = peer.uuid if isinstance(peer, Peer) else peer
    uuid = str(uuid) if isinstance(uuid, UUID) else uuid
    if not isinstance(uuid, str | None):
        raise DefinitionError(f"Expected a peer or its uuid, got {quoted(uuid)} - at `peer`")
    return uuid


def _user_key(user: Any) -> str | None:
    if user is None:
        return None
    pk = getattr(user, "pk", user)
    if pk is None:
        raise DefinitionError(f"User {quoted(user)} has no primary key")
    return str(pk)


def _session_key(session: Any) -> str | None:
    if session is None:
        return None
    key = getattr(session, "session_key", session)
    if not isinstance(key, str) or not key:
        raise DefinitionError(f"Session {quoted(session)} has no key")
    return key
