"""The goals of every comparison: how many times better than the other side we want to be."""

from typing import Final

CODEC_OVER_VORTEXPY: Final = 25.0
"""Encoding, and decoding, 2000 tuples of 8 fields against ``vortexpy``."""

CODEC_OVER_BARE_ORJSON: Final = 0.6
"""The same against bare ``orjson`` and zlib level 6 on ready plain dicts."""

NATIVE_OVER_BARE_FEW: Final = 0.8
"""Encoding, and decoding, few rows in our own dialect against bare ``orjson`` on plain dicts."""

NATIVE_OVER_BARE_MANY: Final = 0.9
"""The same for `MANY_ROWS` and more."""

MANY_ROWS: Final = 100

DISPATCH_MANY_OVER_FEW: Final = 0.9
"""Dispatch with 10 000 endpoints, all keys different or all equal, against 10 endpoints."""

BROADCAST_OVER_GROUP: Final = {"uvicorn": 25.0, "daphne": 15.0}
"""A broadcast against ``group_send`` on the in-memory layer, per ASGI server."""

BROADCAST_OVER_BARE_LOOP: Final = {"uvicorn": 1.3, "daphne": 1.1}
"""A broadcast against a bare loop of ``send`` over the same sockets."""

BROADCAST_OVER_TRANSPORT: Final = 0.8
"""A broadcast against ready bytes that are written to the transports of the same sockets."""

BROADCAST_OVER_SOCKETIO: Final = 6.0
"""A broadcast to 1000 sockets against ``emit`` of python-socketio."""

SESSION_OVER_NONE: Final = 0.952
"""Peers of our own dialect that have a session against those that have none."""

KILLED_WITH_SESSIONS: Final = 0.8
"""Clients of a killed server with sessions, which are asked for elsewhere first, against none."""

IDLE_MEMORY_OVER_GROUP: Final = 2.0
"""Memory of an idle socket against a consumer that joined one group."""

ROUND_TRIP_OVER_JSON_ECHO: Final = 1.3
"""Round trips of a small request against an ``AsyncJsonWebsocketConsumer`` that echoes."""

CLIENT_OVER_BARE_WEBSOCKETS: Final = 0.7
"""Requests of the Python client against those of a bare ``websockets`` client."""

CRUD_RETRIEVE_OVER_REST: Final = 3.0
"""Retrieving 1000 rows against ``ModelSerializer`` of Django REST framework."""

CRUD_NESTED_OVER_REST: Final = 1.0
"""The same, each with a related row inside."""

CRUD_SAVE_OVER_REST: Final = 1.0
"""Saving 100 rows against the same serializer."""

CRUD_STATEMENTS: Final = 1.0
"""SQL statements against the fewest there can be."""

HOSTILE_DELAY: Final = 1.0
"""The delay of a heart-beat that is allowed, a second, against the longest there was."""

WATCHES_EVALUATED: Final = 1.0
"""Watches that a write changes against those that it evaluates."""

WATCHES_MANY_OVER_FEW: Final = 0.5
"""Looking up which of 10 000 watches a save concerns against 10 watches."""

IDLE_WATCHES: Final = 1.0
"""2 % of a core against what 10 000 watches take while nothing happens."""

WATCH_MEMORY: Final = 1.0
"""The memory that a watch may take against what it takes."""

WATCHER_MEMORY: Final = 1.0
"""The memory that one watcher more may take against what it takes."""

CAPTURE_OVER_NONE: Final = round(1 / 1.1, 3)
"""Statements of Django's ORM with capture or tracking against those without: at most 1.10 times."""

LIVE_STATEMENTS: Final = 1.0
"""Two SQL statements beyond a save that 1000 peers see against those there are."""

LIVE_STATEMENTS_OVER_OBSERVERS: Final = 500.0
"""The same two against the one for each of 1000 subscribers of djangochannelsrestframework."""

LIVE_DELAY_OVER_GROUP: Final = round(1 / 1.5, 3)
"""From the commit to the last delivery against ``group_send`` of ready bytes: at most 1.5 times."""

LIVE_DELTA: Final = 1.0
"""The 400 bytes that a one-field change in a list of 1000 rows may be against those it is."""

BASE_COMMIT: Final = "4354fc5"
"""The commit before the code of CRUD and of the server was cut anew. What `benchmarks.calls` counts
with its package stands below; to count again, in any directory, where TREE is this one::

    git -C TREE archive 4354fc5 django_vortex | tar -x
    PYTHONPATH=.:TREE python -m benchmarks.calls
"""

BASE_UPDATE_CALLS: Final = 456

BASE_UPDATE_FILES: Final = 72

FEWER_THAN_BASE: Final = 1.001
"""Calls, and files, of one CRUD update against those of the base: at least one fewer."""
