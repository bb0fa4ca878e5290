"""Pushes of a test: numbered tuples of a given size, to whom a test says."""

from collections.abc import Mapping
from concurrent.futures import Future

from django_vortex import Payload, send

KEY = "e2e.pushed"


def push_numbered(parameters: Mapping[str, str]) -> list[Future[int]]:
    """Send pushes with the tuples ``[first]``, ``[first + 1]``, ... and give what `send` gave.

    Args:
        parameters: ``key``, ``count`` (1), ``first`` (0), ``size`` (characters that each carries
            beside its number, 0), ``forget`` (does not wait for the layer) and one of ``to_peer``,
            ``to_name``, ``to_user``.
    """
    key = parameters.get("key", KEY)
    count = int(parameters.get("count", 1))
    first = int(parameters.get("first", 0))
    filling = "x" * int(parameters.get("size", 0))
    to: dict[str, object] = {
        name: parameters[name] for name in ("to_peer", "to_name") if name in parameters
    }
    if "to_user" in parameters:
        to["to_user"] = int(parameters["to_user"])
    wait = "forget" not in parameters
    futures = []
    for number in range(first, first + count):
        tuples = [number, filling] if filling else [number]
        futures.append(send(Payload({"key": key}, tuples=tuples), wait=wait, **to))
    return futures
