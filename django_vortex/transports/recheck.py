"""Check sessions and users of connected peers again: `DjangoJudge`.

Takes peers with the sessions and users of their handshakes, gives them with those of now, or why
they may not go on. What lies in Django's own tables is asked for all peers together, in a number of
queries that does not depend on them; other session engines and authentication backends one by one.
"""

import asyncio
import copy
from collections.abc import AsyncIterator, MutableMapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.conf import settings

from django_vortex.routing.peer import Peer
from django_vortex.server.judging import (
    NEW_COOKIES,
    NOT_THIS_PASSWORD,
    NOT_THIS_USER,
    Ended,
    Outcome,
    Question,
    get_session_key,
)
from django_vortex.transports import session_tables, user_tables
from django_vortex.transports.held_login import SCOPE_KEY as HELD_KEY
from django_vortex.transports.held_login import HeldLogin, get_held_login
from django_vortex.transports.session_login import SessionLogin, ask_backend
from django_vortex.transports.session_tables import SessionData, SessionTable
from django_vortex.typedefs import RunSync


@dataclass(frozen=True, slots=True)
class _Claim:
    """Who a peer would be, if its user is still there: by which backend, under which key.

    Attributes:
        backend: Its dotted name, "" for none in particular.
        pk: Of the user.
        login: The session that says so, None where something else than a session did.
    """

    backend: str
    pk: Any
    login: SessionLogin | None


class DjangoJudge:
    """A `Judge` that asks Django's sessions and users.

    Args:
        run_sync: Where the database may be asked.
    """

    def __init__(self, run_sync: RunSync) -> None:
        self._run_sync = run_sync
        self._table = SessionTable()

    async def __call__(
        self, questions: Sequence[Question], seconds: float
    ) -> AsyncIterator[tuple[int, Outcome]]:
        """Ask about all together, then about the rest one by one; see `Judge`.

        Peers that something else than a session or a middleware has let in are asked about by the
        function that did.
        """
        held = [get_held_login(one.peer.scope) for one in questions]
        outcomes: list[Outcome | None] = [
            NOT_THIS_USER if one is not None and one.login.has_expired else None for one in held
        ]
        together = [index for index, one in enumerate(held) if one is None]
        if together:
            asked = [questions[index] for index in together]
            found = await self._run_sync(lambda: self.ask_together(asked))
            for index, outcome in zip(together, found, strict=True):
                outcomes[index] = outcome
        alone = [index for index, outcome in enumerate(outcomes) if outcome is None]
        for index, outcome in enumerate(outcomes):
            if outcome is not None:
                yield index, outcome
        failure: Exception | None = None
        for index in alone:
            try:
                question = questions[index]
                login = get_held_login(question.peer.scope)
                if login is None:
                    yield index, await self._run_sync(partial(ask_alone, question))
                else:
                    yield index, await _ask_held(question.peer, login)
            except Exception as error:
                failure = failure or error
            await asyncio.sleep(seconds / len(alone))
        if failure is not None:
            raise failure

    def ask_together(self, questions: Sequence[Question]) -> list[Outcome | None]:
        """Return the outcomes in the order of the questions, None where one must be asked alone."""
        together = [_is_in_tables(one.peer) for one in questions]
        peers = [one.peer for one, is_one in zip(questions, together, strict=True) if is_one]
        sessions = self._table.read(peer.session for peer in peers if _has_session(peer))
        data = [sessions.get(get_session_key(one.peer) or "") for one in questions]
        claims: list[_Claim | None] = [None] * len(questions)
        for index, question in enumerate(questions):
            if not together[index]:
                continue
            claim = claims[index] = _get_claim(question.peer, data[index])
            if claim is not None and claim.backend:
                together[index] = user_tables.is_in_user_table(claim.backend)
        users = _Users(
            [
                (question.peer.user, claim)
                for question, claim, is_one in zip(questions, claims, together, strict=True)
                if is_one and claim is not None
            ]
        )
        return [
            _decide(question, data[index], claims[index], users.find(claims[index]))
            if together[index]
            else None
            for index, question in enumerate(questions)
        ]


class _Users:
    """The users that peers claim to be, read together.

    Args:
        claims: With the user that each peer has had so far.
    """

    def __init__(self, claims: Sequence[tuple[Any, _Claim]]) -> None:
        self._found: dict[Any, Any] = {}
        self._given: set[Any] = set()
        if not claims:
            return
        self._found = user_tables.read_users({claim.pk for _, claim in claims})
        if user_tables.has_django_permissions():
            user_tables.renew_permissions([user for user, _ in claims], self._found)

    def find(self, claim: _Claim | None) -> Any:
        """Return a user of one peer's own, since handlers may change it; None if there is none."""
        user = None if claim is None else self._found.get(claim.pk)
        if claim is None or user is None or not user_tables.may_log_in(claim.backend, user):
            return None
        if claim.pk in self._given:
            return copy.copy(user)
        self._given.add(claim.pk)
        return user


async def _ask_held(peer: Peer, held: HeldLogin) -> Outcome:
    """Return the outcome for one peer that a function of ``AUTHENTICATE`` has let in."""
    login = await held.ask(peer.scope)
    if login is None or str(login.user.pk) != str(peer.user.pk):
        return NOT_THIS_USER
    if isinstance(peer.scope, MutableMapping):
        peer.scope[HELD_KEY] = replace(held, login=login)
    return _renew(peer, login.user, peer.session)


def ask_alone(question: Question) -> Outcome:
    """Return the outcome for one peer, of whatever session engine and authentication backend."""
    peer = question.peer
    data = session_tables.read_alone(peer.session) if _has_session(peer) else None
    claim = _get_claim(peer, data)
    if claim is None:
        user = None
    elif claim.backend:
        user = ask_backend(claim.backend, claim.pk)
    else:
        user = _Users([(peer.user, claim)]).find(claim)
    return _decide(question, data, claim, user)


def _decide(
    question: Question, data: SessionData | None, claim: _Claim | None, user: Any
) -> Outcome:
    """Return who a peer is now, or why it may not go on.

    Args:
        question: About whom.
        data: Of its session, None if that is gone or there was none.
        claim: Who it would be.
        user: The user found for the claim.
    """
    peer = question.peer
    session = peer.session
    if _has_session(peer):
        ended = _get_end_of_session(question, data)
        if ended is not None or data is None:
            return ended or NEW_COOKIES
        session = session_tables.renew(session, data)
    if claim is None and not _is_logged_in_by_session(peer):
        return _renew(peer, peer.user, session)
    is_fitting = user is not None and (claim is None or not claim.login or claim.login.fits(user))
    if claim is None or not is_fitting:
        if not _is_logged_in(peer):
            return _renew(peer, peer.user, session)
        if user is None:
            return NOT_THIS_USER
        # The browser may have another cookie by now, which nobody else knows of.
        is_in_cookie = session_tables.is_in_cookie(session_tables.get_engine(session))
        return NEW_COOKIES if is_in_cookie else NOT_THIS_PASSWORD
    if not _is_logged_in(peer) or str(user.pk) != str(peer.user.pk):
        return NEW_COOKIES
    if claim.login is None and _password_of(peer.user) != _password_of(user):
        return NEW_COOKIES
    return _renew(peer, user, session)


def _get_end_of_session(question: Question, data: SessionData | None) -> Ended | None:
    logout = question.logout
    engine = session_tables.get_engine(question.peer.session)
    if data is None:
        # It may have got a new key, as after a change of the password, unless it was logged out.
        return NOT_THIS_USER if logout == "session" else NEW_COOKIES
    if logout and session_tables.is_in_cookie(engine):
        # Nobody but the browser can tell whether it was this one.
        return NOT_THIS_USER if logout == "session" else NEW_COOKIES
    return None


def _get_claim(peer: Peer, data: SessionData | None) -> _Claim | None:
    if not user_tables.has_users():
        return None
    if _is_logged_in(peer) and not _is_logged_in_by_session(peer):
        if not user_tables.is_of_user_table(peer.user):
            return None
        backend = getattr(peer.user, "backend", "")
        return _Claim(
            backend if backend in settings.AUTHENTICATION_BACKENDS else "", peer.user.pk, None
        )
    login = None if data is None else SessionLogin.read(data)
    return None if login is None else _Claim(login.backend, login.pk, login)


def _password_of(user: Any) -> Any:
    return getattr(user, "password", None)


def _has_session(peer: Peer) -> bool:
    return get_session_key(peer) is not None and session_tables.get_engine(peer.session) is not None


def _is_in_tables(peer: Peer) -> bool:
    """Return whether a peer's session, if it has one, is read together with others."""
    return not _has_session(peer) or session_tables.is_in_table(
        session_tables.get_engine(peer.session)
    )


def _is_logged_in(peer: Peer) -> bool:
    return bool(getattr(peer.user, "is_authenticated", False))


def _is_logged_in_by_session(peer: Peer) -> bool:
    """Return whether it was the session that a peer was logged in by when its stream began."""
    if not (_is_logged_in(peer) and _has_session(peer) and user_tables.has_users()):
        return False
    from django.contrib.auth import SESSION_KEY

    return str(peer.session.get(SESSION_KEY)) == str(peer.user.pk)


def _renew(peer: Peer, user: Any, session: Any) -> Peer:
    """Return a peer with another user and session, also where its scope has them."""
    scope = peer.scope
    if isinstance(scope, MutableMapping):
        scope.update(
            (key, one) for key, one in (("user", user), ("session", session)) if key in scope
        )
    return replace(peer, user=user, session=session)
