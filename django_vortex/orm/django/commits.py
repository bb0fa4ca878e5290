"""When a connection of Django commits and rolls back: `watch_commits`.

Takes a connection, calls whoever keeps what it has written. Django's own hooks for commits are
never used: one of the application that raises ends all others, and its tests count them.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

from django_vortex.logs import get_limited_logger

logger = get_limited_logger(__name__)

METHODS: Final = (
    *("_commit", "_rollback", "_close", "_set_autocommit"),
    *("_savepoint", "_savepoint_rollback", "_savepoint_commit"),
)
"""Methods of `BaseDatabaseWrapper` that are called through."""


class Keeper(Protocol):
    """Who keeps what is not committed."""

    def prepare_commit(self) -> None:
        """Something is about to be committed."""

    def tell(self, *, is_certain: bool = True) -> None:
        """It is committed, or may be."""

    def forget(self) -> None:
        """It was rolled back."""

    def begin_savepoint(self, name: str) -> None:
        """There is a savepoint now."""

    def release_savepoint(self, name: str) -> None:
        """It is no more."""

    def undo_savepoint(self, name: str) -> None:
        """It was rolled back to."""


def watch_commits(connection: Any, keeper: Keeper) -> None:
    """Let somebody know of each commit and rollback of a connection."""

    def commit(original: Callable[..., Any], *args: Any) -> Any:
        _call(keeper.prepare_commit)
        try:
            result = original(*args)
        except BaseException:  # it may be committed for all that
            _call(keeper.tell, is_certain=False)
            raise
        _call(keeper.tell)
        return result

    def set_autocommit(original: Callable[..., Any], autocommit: bool) -> Any:
        if autocommit:  # which commits
            return commit(original, autocommit)
        return original(autocommit)

    def then(tell: Callable[..., None]) -> Callable[..., Any]:
        def call(original: Callable[..., Any], *args: Any) -> Any:
            result = original(*args)
            _call(tell, *args)
            return result

        return call

    def close(original: Callable[..., Any]) -> Any:
        try:
            return original()
        finally:
            _call(keeper.forget)

    instead: dict[str, Callable[..., Any]] = {
        "_commit": commit,
        "_set_autocommit": set_autocommit,
        "_rollback": then(keeper.forget),
        "_close": close,
        "_savepoint": then(keeper.begin_savepoint),
        "_savepoint_commit": then(keeper.release_savepoint),
        "_savepoint_rollback": then(keeper.undo_savepoint),
    }
    for name in METHODS:
        original = getattr(connection, name, None)
        if original is not None:
            setattr(connection, name, _bind(instead[name], original))


def _bind(call: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    def bound(*args: Any) -> Any:
        return call(original, *args)

    return bound


def _call(tell: Callable[..., None], *args: Any, **kwargs: Any) -> None:
    """Let a keeper know; whoever commits goes on whatever happens."""
    try:
        tell(*args, **kwargs)
    except Exception:
        logger.exception("Could not keep account of what a transaction has written")
