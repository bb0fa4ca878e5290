"""Channel layers for tests, to be named as a ``BACKEND``."""

import asyncio
import threading
from typing import Any

from channels.layers import InMemoryChannelLayer


class SharedLayer:
    """Stands for a layer that processes share.

    Remembers what was sent and by which thread, and fails or takes nothing when told to.
    """

    sent: list[tuple[str, dict[str, Any]]] = []
    threads: list[str] = []
    failure: Exception | None = None
    is_stuck = False

    def __init__(self, **config: Any) -> None:
        self._memory = InMemoryChannelLayer()
        type(self).sent = []
        type(self).threads = []
        type(self).failure = None
        type(self).is_stuck = False

    async def group_add(self, group: str, channel: str) -> None:
        await self._memory.group_add(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        await self._memory.group_discard(group, channel)

    async def receive(self, channel: str) -> dict[str, Any]:
        message: dict[str, Any] = await self._memory.receive(channel)
        return message

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        while self.is_stuck:
            await asyncio.sleep(0.001)
        if self.failure is not None:
            raise self.failure
        self.sent.append((group, message))
        self.threads.append(threading.current_thread().name)
        await self._memory.group_send(group, message)
