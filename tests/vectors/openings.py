"""How clients open a connection, and what a server answers first.

``openings.json`` has for each client the URL, the headers and the body with which it opens, and the
first text of a server with a given uuid, name and date. ``python -m tests.vectors.openings`` writes
the answers of the present code into it, which is done once, when an opening is added.
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django_vortex.server.introductions import Introductions
from django_vortex.transports.greeting import Caller, greet
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.protocol import Protocol

FILE = Path(__file__).with_name("openings.json")
SERVER = ("11111111-1111-4111-8111-111111111111", "a server", 1_700_000_000_000)


def load() -> list[dict[str, Any]]:
    """Return the openings."""
    openings: list[dict[str, Any]] = json.loads(FILE.read_text())
    return openings


def answer(opening: dict[str, Any]) -> tuple[Dialect | None, str]:
    """Return what the present code takes the client for, and what it says first."""
    url = urlsplit(opening["url"])
    scope = {
        "headers": [(name.lower().encode(), text.encode()) for name, text in opening["headers"]],
        "query_string": url.query.encode(),
        "client": ("10.0.0.1", 1),
    }
    caller = greet(scope, is_secure=url.scheme in ("https", "wss"))
    assert isinstance(caller, Caller), caller
    assert caller.outdated is None, caller.outdated
    is_framed = url.scheme in ("http", "https")
    protocol = Protocol(Codec(), framed=is_framed, dialect=caller.dialect)
    if is_framed:  # what comes over a WebSocket comes after the first text
        protocol.receive(opening["body"])
        protocol.finish()
    uuid, name, date = SERVER
    text = Introductions(uuid, name, Codec()).info_text(protocol.dialect, is_framed, date)
    return protocol.dialect, text


def main() -> None:
    """Write the answers."""
    openings = load()
    for opening in openings:
        opening["first"] = answer(opening)[1]
    FILE.write_text(json.dumps(openings, indent=1) + "\n")


if __name__ == "__main__":
    main()
