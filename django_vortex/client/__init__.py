"""The Python end of a vortex: `connect` to a server, for asyncio programs without Django.

Takes a URL, gives a `Client`. Imports `tuples`, `wire` and the matching of filts; no Django.
"""

from django_vortex.client.blocking import SyncClient, SyncFeed, SyncLoader, connect_sync
from django_vortex.client.client import Client
from django_vortex.client.connecting import connect
from django_vortex.client.errors import (
    ClientError,
    Closed,
    FateUnknown,
    NotConnected,
    Overflow,
    Refused,
    RemoteError,
    TimedOut,
    UpdateRequired,
)
from django_vortex.client.feed import Feed
from django_vortex.client.loader import Loader
from django_vortex.client.news import Event, Offline, Online, RefusedForGood

__all__ = [
    "Client",
    "ClientError",
    "Closed",
    "Event",
    "FateUnknown",
    "Feed",
    "Loader",
    "NotConnected",
    "Offline",
    "Online",
    "Overflow",
    "Refused",
    "RefusedForGood",
    "RemoteError",
    "SyncClient",
    "SyncFeed",
    "SyncLoader",
    "TimedOut",
    "UpdateRequired",
    "connect",
    "connect_sync",
]
