"""Helpers for the tests of applications: an in-process peer.

Takes a user and a name, gives a peer of a real server without socket; `connect` says how to use it.
Not imported by the rest of the package.
"""

from django_vortex.testing.connecting import connect
from django_vortex.testing.failures import NothingReceived, PeerClosed
from django_vortex.testing.peer import AsyncPeer
from django_vortex.testing.received import Received
from django_vortex.testing.sync_peer import SyncPeer
from django_vortex.testing.watch import AsyncWatch, SyncWatch

__all__ = [
    "AsyncPeer",
    "AsyncWatch",
    "NothingReceived",
    "PeerClosed",
    "Received",
    "SyncPeer",
    "SyncWatch",
    "connect",
]
