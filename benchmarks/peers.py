"""How the load client connects to either side."""

import secrets
from uuid import uuid4

from benchmarks.load import LoadSocket, encode_text, open_socket, receive_texts
from benchmarks.messages import encode_identity
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.opening import SESSION_HEADER

_NAME = "bench"


async def open_vortex_peer(
    port: int, dialect: Dialect = Dialect.D2, *, offers_compression: bool = False
) -> LoadSocket:
    """Connect to the vortex, introduce ourselves, and wait for the server's introduction."""
    uuid = str(uuid4())
    query = {"vortexUuid": uuid, "vortexName": _NAME}
    if dialect is Dialect.NATIVE:
        query |= {"vortexDialect": "native", "vortexVersion": "2"}
    load_socket = await open_socket(
        port, "vortexws", offers_compression=offers_compression, **query
    )
    if not load_socket.texts:
        await receive_texts([load_socket], 1)
    if dialect is not Dialect.NATIVE:
        load_socket.transport.write(encode_text(encode_identity(uuid, _NAME)))
    return load_socket


async def open_session_peer(port: int) -> LoadSocket:
    """Connect as a peer of our own dialect that has a session."""
    key = secrets.token_urlsafe(16)
    query = {"vortexUuid": str(uuid4()), "vortexName": _NAME, "vortexDialect": "native"}
    load_socket = await open_socket(
        port, "vortexws", header=f"{SESSION_HEADER}: {key}.0.1.0.1", vortexVersion="2", **query
    )
    if not load_socket.texts:
        await receive_texts([load_socket], 1)
    return load_socket


async def open_group_member(port: int, *, offers_compression: bool = False) -> LoadSocket:
    """Connect to the consumer that joins one group."""
    return await open_socket(port, "group", offers_compression=offers_compression)


async def open_socketio_client(port: int, *, offers_compression: bool = False) -> LoadSocket:
    """Connect to python-socketio, past HTTP polling, and join its default namespace."""
    query = {"EIO": "4", "transport": "websocket"}
    load_socket = await open_socket(
        port, "socket.io/", offers_compression=offers_compression, **query
    )
    if not load_socket.texts:
        await receive_texts([load_socket], 1)
    load_socket.transport.write(encode_text("40"))
    await receive_texts([load_socket], 1)
    return load_socket


async def open_json_echo(port: int) -> LoadSocket:
    """Connect to the consumer that echoes JSON."""
    return await open_socket(port, "echo")
