"""What peers of real servers are told of what handlers raise, on every server and transport."""

import pytest

from tests.e2e.peers import ReadingPeer
from tests.support.servers import ServerProcess

SECRET = "a value that nobody may see"
KEYS = [f"e2e.raise_{kind}" for kind in ("sync", "async", "model", "async_model", "rows")]


WRONG = {"index": None, "field": "title", "messages": ["Too long"]}

TOLD = {
    "validation": {"error": "validation", "text": "Field 'title': Too long", "errors": [WRONG]},
    "ours": {
        "error": "validation",
        "text": "Tuple 1, field 'title': Too long",
        "errors": [{**WRONG, "index": {"_ft": "int", "_fd": 1}}],
    },
    "permission": {"error": "permission", "text": "Not you"},
    "http404": {"error": "not-found", "text": "No such board"},
}


@pytest.mark.parametrize("transport", ["websocket", "http"])
@pytest.mark.parametrize("key", KEYS)
def test_errors_of_handlers_are_told_in_parts(
    server: ServerProcess, transport: str, key: str
) -> None:
    peer = ReadingPeer(transport, server.port, f"{transport}-{key}")
    for name, told in TOLD.items():
        peer.ask(key=key, error=name)
        assert peer.wait_for(key)["result"] == told
    peer.ask(key=key)
    assert peer.wait_for(key)["result"] == {"error": "not-found", "text": "Not found"}
    peer.ask(key=key, error="internal")
    result = peer.wait_for(key)["result"]
    assert result["error"] == "internal"
    assert SECRET not in str(result)
    server.wait_for_log(f"(ref {result['ref']})")
    assert f"ValueError: {SECRET}" in server.log
    peer.close()
