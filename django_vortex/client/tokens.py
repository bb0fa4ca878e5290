"""The token of an attempt: asked for anew each time, remembered by nobody.

Takes what the application gave, a text or a callable, gives a token within a bound.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from django_vortex.client.endings import Ending
from django_vortex.client.line import LineEnded, describe

TOKEN_SECONDS: Final = 10.0
"""How long the application's callable may take."""

GetToken: TypeAlias = Callable[[], str | Awaitable[str | None] | None]
"""Makes a token; None is none. A plain function runs on the loop and must not wait."""


class Tokens:
    """Asks for the tokens of one client.

    Args:
        source: A token, a callable that makes one, or None.
    """

    def __init__(self, source: str | GetToken | None) -> None:
        self._source = source
        self._had_one = False

    @property
    def is_asked(self) -> bool:
        """Whether the next token may be another one."""
        return callable(self._source)

    def begin_anew(self) -> None:
        """Let the client be anonymous from now on, if that is what its callable says."""
        self._had_one = False

    async def ask(self) -> str | None:
        """Return a token for one attempt.

        Raises:
            LineEnded: There is none now. A client that had one never goes on without.
        """
        source = self._source
        if source is None or isinstance(source, str):
            return source
        try:
            async with asyncio.timeout(TOKEN_SECONDS):
                token = source()
                if inspect.isawaitable(token):
                    token = await token
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise _no_token(error) from error  # of something that the callable awaited
        except Exception as error:
            raise _no_token(error) from error
        if token is None and self._had_one:
            reason = "There is no token any more"
            raise LineEnded(Ending(reason, is_refusal=True, is_unauthenticated=True))
        self._had_one = token is not None
        return token


def _no_token(error: BaseException) -> LineEnded:
    return LineEnded(Ending(f"There is no token: {describe(error)}"))
