"""Reads of evaluations go where writes go: `WriteRouter`.

A replica that is behind would answer with what was there before the change that is told.
"""

from typing import Any

from django.db import router

from django_vortex.live.recording import get_recorder


class WriteRouter:
    """The first of Django's routers; decides about reads while somebody records, else nothing."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        """Return the alias of the database to which a model is written."""
        return None if get_recorder() is None else router.db_for_write(model, **hints)


def install_router() -> None:
    """Put the router first, unless it is there."""
    if not any(isinstance(one, WriteRouter) for one in router.routers):
        router.routers.insert(0, WriteRouter())
