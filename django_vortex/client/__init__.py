"""The Python end of a vortex: `connect` to a server, for asyncio programs without Django.

Takes a URL, gives a `Client`, and all that a program catches. Imports `tuples`, `wire`, the
matching of filts and what tells which rows of a list have moved; no Django.
"""

from django_vortex.client.answers import Reply
from django_vortex.client.blocking import (
    SyncClient,
    SyncFeed,
    SyncLoader,
    SyncWatch,
    connect_sync,
)
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
    WatchEnded,
)
from django_vortex.client.feed import Feed
from django_vortex.client.loader import Loader
from django_vortex.client.news import Event, Lost, Offline, Online, RefusedForGood
from django_vortex.client.watch import Changes, Watch
from django_vortex.exceptions import (
    Conflict,
    DefinitionError,
    EvaluationTimeout,
    HandlerError,
    InternalError,
    LimitExceeded,
    MalformedMessage,
    NotFound,
    PeerError,
    PermissionDenied,
    ShuttingDown,
    TooManyRequests,
    TryAgain,
    UnencodableValue,
    UnknownEndpoint,
    UnknownOutcome,
    UnknownTupleType,
    ValidationError,
    VortexError,
    WireError,
)
from django_vortex.tuples import GenericTuple
from django_vortex.wire.payload import Payload

__all__ = [
    "Changes",
    "Client",
    "ClientError",
    "Closed",
    "Conflict",
    "DefinitionError",
    "EvaluationTimeout",
    "Event",
    "FateUnknown",
    "Feed",
    "GenericTuple",
    "HandlerError",
    "InternalError",
    "LimitExceeded",
    "Loader",
    "Lost",
    "MalformedMessage",
    "NotConnected",
    "NotFound",
    "Offline",
    "Online",
    "Overflow",
    "Payload",
    "PeerError",
    "PermissionDenied",
    "Refused",
    "RefusedForGood",
    "RemoteError",
    "Reply",
    "ShuttingDown",
    "SyncClient",
    "SyncFeed",
    "SyncLoader",
    "SyncWatch",
    "TimedOut",
    "TooManyRequests",
    "TryAgain",
    "UnencodableValue",
    "UnknownEndpoint",
    "UnknownOutcome",
    "UnknownTupleType",
    "UpdateRequired",
    "ValidationError",
    "VortexError",
    "Watch",
    "WatchEnded",
    "WireError",
    "connect",
    "connect_sync",
]
