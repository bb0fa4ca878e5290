"""What the Python client talks to in a test, whichever server that is."""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from django_vortex.client import Client, Offline, connect
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import PATIENCE_SECONDS


@dataclass(frozen=True)
class FarEnd:
    """A server behind a proxy.

    Attributes:
        proxy: Takes orders.
        options: The keywords of `connect` that this server needs.
    """

    proxy: TcpProxy
    options: dict[str, Any]

    @property
    def speaks_our_dialect(self) -> bool:
        return "vortexpy" not in self.options

    def connect(self, **more: Any) -> AbstractAsyncContextManager[Client]:
        """Connect a client."""
        options = {"open_timeout": PATIENCE_SECONDS, **self.options, **more}
        return connect(self.proxy.url, **options)

    async def cut(self, vortex: Client) -> None:
        """Cut the connection and wait until the client has noticed."""
        async with vortex.events() as events:
            self.proxy.cut()
            assert isinstance(await anext(events), Offline)


async def echo(vortex: Client, value: object) -> Any:
    """Let the server send a value back."""
    reply = await vortex.call("e2e.echo", tuples=[value], timeout=60)
    return reply.tuples[0]


def client_tasks() -> list[str]:
    """Return the names of the tasks that clients of this loop have."""
    names = [task.get_name() for task in asyncio.all_tasks()]
    return [name for name in names if name.startswith("vortex")]
