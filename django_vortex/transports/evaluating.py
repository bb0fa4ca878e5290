"""What evaluations run in under Django: `DjangoEnvironment`, and what a server gets: `make_live`.

Takes a scope, gives the peer that asks in it, with its user as the database has it now.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.utils import timezone, translation

from django_vortex.conf import get_settings
from django_vortex.live.dependencies import Dependency
from django_vortex.live.evaluator import Evaluator
from django_vortex.live.options import LiveOptions
from django_vortex.live.questions import Question, Scope
from django_vortex.live.recording import get_recorder, not_recording
from django_vortex.live.scoped_peer import ScopedPeer
from django_vortex.live.sources import Sources
from django_vortex.orm.django.read_only import ReadTransactions
from django_vortex.orm.django.touched import find_tables
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.server.connection import Connection
from django_vortex.server.live_parts import Live
from django_vortex.transports import user_tables
from django_vortex.transports.identity_tables import LAST_LOGIN
from django_vortex.transports.tenants import make_find_tenant


class DjangoEnvironment:
    """An `Environment`.

    Args:
        get_peer: Returns a peer of this process by its uuid.
    """

    def __init__(self, get_peer: Callable[[str], Peer | None]) -> None:
        self._get_peer = get_peer

    def can_find(self, peer: Peer) -> bool:
        """Return whether `find_peer` finds the user of a peer by its primary key, or needs none."""
        if not getattr(peer.user, "is_authenticated", False):
            return True
        return user_tables.has_users() and user_tables.is_of_user_table(peer.user)

    def find_peer(self, scope: Scope) -> Peer | None:
        """Return who asks in a scope, as of now; see `Environment`."""
        peer = None
        if scope.peer is not None:
            peer = self._get_peer(scope.peer)
            if peer is None or not self.can_find(peer):
                return peer
        user = _find_user(scope.user)
        if user is None and scope.user is not None:
            return None
        return ScopedPeer(user) if peer is None else replace(peer, user=user)

    def begin_reading(self) -> ReadTransactions:
        """Let what is evaluated in this thread read in transactions of its own."""
        return ReadTransactions()

    @contextmanager
    def entered(self, question: Question) -> Iterator[None]:
        """Evaluate a question within its tenant, in the language and time zone of the settings.

        Else they were those of whichever request has made the evaluation necessary.
        """
        enter = question.enter or nullcontext
        with translation.override(settings.LANGUAGE_CODE), timezone.override(None), enter():
            yield


def make_live(
    payload_io: PayloadIO,
    get_connections: Callable[[], Mapping[str, Connection]],
    options: LiveOptions,
) -> Live:
    """Return what a server evaluates with, in the tenants of the project and without a sweep.

    Args:
        payload_io: Answers the peers.
        get_connections: Returns the peers of the server, by uuid. Called from any thread.
        options: See `LiveOptions`.
    """

    def get_peer(uuid: str) -> Peer | None:
        connection = get_connections().get(uuid)
        return None if connection is None else connection.peer

    environment = DjangoEnvironment(get_peer)
    sources = Sources()
    evaluator = Evaluator(payload_io, environment, sources)
    find_tenant = make_find_tenant(get_settings().watch_scope)
    return Live(evaluator, options, environment.can_find, sources, find_tenant=find_tenant)


def _find_user(key: str | None) -> Any:
    """Return a user by its primary key, None if there is none or it may not log in any more."""
    if key is None:
        return user_tables.make_nobody()
    if not user_tables.has_users():
        return None
    with not_recording():
        users = list(user_tables.read_users([key]).values())
    if (recorder := get_recorder()) is not None:
        recorder.reads.append(_depend_on_user(key))
    return users[0] if users and user_tables.may_log_in("", users[0]) else None


def _depend_on_user(key: str) -> Dependency:
    """Return what an evaluation depends on of its user: all but when that has logged in last."""
    from django.contrib.auth import get_user_model

    model: Any = get_user_model()
    meta = model._meta
    columns = {one.column for one in meta.concrete_fields if one.name != LAST_LOGIN}
    [table] = find_tables(model)
    pk = meta.pk.to_python(key)
    return Dependency(
        table,
        {meta.pk.column: frozenset([pk])},
        keys=frozenset([(pk,)]),
        deciding=frozenset([meta.pk.column]),
        columns=frozenset(columns),
        key_columns=(meta.pk.column,),
    )
