"""Reload sessions: those in a table of Django's in bulk, others one by one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core.cache import caches
from django.db import router
from django.utils import timezone

from django_vortex.logs import get_limited_logger

logger = get_limited_logger(__name__)

MIN_KEPT: Final = 1000
"""So many decoded sessions are kept at least, so that a check of a few forgets no others."""

SessionData = Mapping[str, Any]


class SessionTable:
    """Reads sessions of Django's database engines; what has not changed is decoded once."""

    def __init__(self) -> None:
        self._decoded: dict[str, tuple[str, SessionData]] = {}

    def read(self, sessions: Iterable[Any]) -> dict[str, SessionData]:
        """Return the data by key of the sessions that are still there and have not expired."""
        keys: dict[Any, set[str]] = defaultdict(set)
        for session in sessions:
            keys[get_engine(session)].add(session.session_key)
        found: dict[str, SessionData] = {}
        for engine, wanted in keys.items():
            model = engine.get_model_class()
            # As fresh as it gets: a replica may not have heard of the end of a session.
            rows = model.objects.using(router.db_for_write(model))
            for key, row in rows.filter(expire_date__gt=timezone.now()).in_bulk(wanted).items():
                found[key] = self._decode(engine, key, row.session_data)
            _forget_cached(engine, wanted - found.keys())
        if len(self._decoded) > 2 * max(len(found), MIN_KEPT):
            self._decoded = {key: self._decoded[key] for key in found}
        return found

    def _decode(self, engine: Any, key: str, text: str) -> SessionData:
        known = self._decoded.get(key)
        if known is None or known[0] != text:
            known = self._decoded[key] = text, engine().decode(text)
        return known[1]


def get_engine(session: Any) -> Any:
    """Return the class of a session, whatever wraps it; None if it is no session of Django's."""
    from django.contrib.sessions.backends.base import SessionBase

    engine = session.__class__
    return engine if isinstance(engine, type) and issubclass(engine, SessionBase) else None


def is_in_table(engine: Any) -> bool:
    """Return whether an engine reads its sessions from a table as Django's own does."""
    if not apps.is_installed("django.contrib.sessions"):
        return False
    from django.contrib.sessions.backends import cached_db, db

    own: Any = db.SessionStore
    return (
        issubclass(engine, own)
        and engine.load in (own.load, cached_db.SessionStore.load)
        and engine._get_session_from_db is own._get_session_from_db
    )


def is_in_cookie(engine: Any) -> bool:
    """Return whether an engine keeps its sessions in cookies, so that nobody can end one."""
    from django.contrib.sessions.backends import signed_cookies

    return issubclass(engine, signed_cookies.SessionStore)


def read_alone(session: Any) -> SessionData | None:
    """Return the data of one session, None if it is gone; asks its engine."""
    stored = get_engine(session)(session.session_key)
    data = dict(stored.items())
    return None if stored.session_key is None else data


def renew(session: Any, data: SessionData) -> Any:
    """Return a session with these data: the same one if nothing has changed."""
    if dict(session.items()) == data:
        return session
    renewed = get_engine(session)(session.session_key)
    renewed._session_cache = dict(data)  # where its engine puts what it has read
    return renewed


def _forget_cached(engine: Any, keys: Iterable[str]) -> None:
    """Let ``cached_db`` not take for alive what the table does not have any more."""
    from django.contrib.sessions.backends import cached_db

    if not issubclass(engine, cached_db.SessionStore):
        return
    try:
        prefix = engine.cache_key_prefix
        caches[settings.SESSION_CACHE_ALIAS].delete_many([prefix + key for key in keys])
    except Exception as error:
        logger.warning("The cache still has sessions that have ended: %r", error)
