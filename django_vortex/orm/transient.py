"""Failures of a database that may be none a moment later.

Takes what a driver raised, says whether the same work may be tried again: others were in the way,
it took too long, or the connection is gone. Neither the ORM nor the database matters.
"""

from typing import Any

_STATES = ("40", "53", "55P03", "57014")
"""SQLSTATEs: undone for the sake of others, no resources, a lock not to be had, out of time."""

_LOST_STATES = ("08", "57P")
"""SQLSTATEs: there is no connection, the server shuts down or is not up yet."""

_UNKNOWN_STATE = "40003"
"""Whether it was done is not known."""

_MYSQL = frozenset({1040, 1205, 1213, 3024, 3572})
_LOST_MYSQL = frozenset({2002, 2003, 2006, 2013, 2055})
"""What MySQL and MariaDB have instead of SQLSTATEs, as the first argument."""

_LOST_NAMES = ("OperationalError", "InterfaceError")


def may_try_again(raised: BaseException, *, is_committing: bool) -> bool:
    """Return whether nothing is done of work that may succeed when it is tried again.

    Args:
        raised: What the driver raised.
        is_committing: Whether that was at the commit: if the connection is lost just then, nobody
            could know.
    """
    return _is_undone(raised) or (not is_committing and _is_lost(raised))


def may_be_done(raised: BaseException) -> bool:
    """Return whether a commit that failed so may have been done all the same."""
    return _state(raised) == _UNKNOWN_STATE or (not _is_undone(raised) and _is_lost(raised))


def _is_undone(raised: BaseException) -> bool:
    state = _state(raised)
    if state:
        return state.startswith(_STATES) and state != _UNKNOWN_STATE
    name = getattr(raised, "sqlite_errorname", "")
    return name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or _number(raised) in _MYSQL


def _is_lost(raised: BaseException) -> bool:
    state = _state(raised)
    if state:
        return state.startswith(_LOST_STATES)
    if isinstance(raised, ConnectionError) or _number(raised) in _LOST_MYSQL:
        return True
    # Drivers of PostgreSQL have no SQLSTATE where there is no server to give one.
    return any(
        base.__module__.partition(".")[0] in ("psycopg", "psycopg2")
        and base.__name__ in _LOST_NAMES
        for base in type(raised).__mro__
    )


def _state(raised: Any) -> str:
    """Return the SQLSTATE, which drivers have under different names."""
    return str(getattr(raised, "sqlstate", None) or getattr(raised, "pgcode", None) or "")


def _number(raised: BaseException) -> Any:
    return raised.args[0] if raised.args and isinstance(raised.args[0], int) else None
