"""The other side: what a Channels project writes for the same job, with the usual middleware."""

import asyncio
import os
import time
from typing import Any

import django
from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncJsonWebsocketConsumer, AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path

from benchmarks.commands import CommandApplication

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
django.setup()


class GroupConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    """A peer that joined one group and forwards what the group gets."""

    async def connect(self) -> None:
        """Join, then accept."""
        await self.channel_layer.group_add("everyone", self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        await self.channel_layer.group_discard("everyone", self.channel_name)

    async def notice(self, event: dict[str, Any]) -> None:
        """Forward one group message."""
        await self.send(text_data=event["text"])


class JsonEchoConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """A peer whose every JSON message is sent back."""

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Send back what came."""
        await self.send_json(content)


async def broadcast_to_group(messages: int, message_bytes: int) -> float:
    """Send ``messages`` texts of ``message_bytes`` to everybody in the group; return since when."""
    start = time.monotonic()
    layer = get_channel_layer()
    text = "x" * message_bytes
    for _ in range(messages):
        await layer.group_send("everyone", {"type": "notice", "text": text})
        await asyncio.sleep(0)
    return start


application = ProtocolTypeRouter(
    {
        "http": CommandApplication({"group": broadcast_to_group}),
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(
                URLRouter(
                    [
                        path("group", GroupConsumer.as_asgi()),
                        path("echo", JsonEchoConsumer.as_asgi()),
                    ]
                )
            )
        ),
    }
)
