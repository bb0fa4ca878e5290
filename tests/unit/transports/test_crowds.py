"""New peers are refused while too many open connections at once, over either transport."""

import pytest

from django_vortex.server.admission import CROWD
from django_vortex.transports import hub
from django_vortex.transports.asgi import vortex_application
from tests.unit.transports.asgi_driver import Connection

pytestmark = pytest.mark.usefixtures("fresh_hub")

NATIVE = {"vortexName": "n", "vortexDialect": "native", "vortexVersion": "2"}


async def test_new_peers_are_told_when_to_come_and_known_ones_are_let_in() -> None:
    application = vortex_application()
    known = Connection.open_websocket(application, vortexUuid="known", **NATIVE)
    await known.wait_for(2)
    posting = Connection.post(application, vortexUuid="posting", **NATIVE)
    await posting.wait_for(2)
    admission = hub.get_server().admission
    assert admission.under_way == 0
    admission.under_way = 20 * CROWD
    new = Connection.open_websocket(application, vortexUuid="new", **NATIVE)
    await new.wait_for(2)
    assert new.types == ["websocket.accept", "websocket.close"]
    assert new.sent[1]["code"] == 4429
    assert " s: Too many peers come at once" in new.sent[1]["reason"]
    refused = Connection.post(application, vortexUuid="another", **NATIVE)
    await refused.wait_for(2)
    status, headers = refused.head
    assert status == 503
    assert 1 <= int(headers["retry-after"]) <= 3
    again = Connection.open_websocket(application, vortexUuid="known", **NATIVE)
    await again.wait_for(2)
    assert again.types == ["websocket.accept", "websocket.send"]
    admission.under_way = 200 * CROWD
    post = Connection.post(application, vortexUuid="posting", **NATIVE)
    await post.wait_for(2)
    assert post.head[0] == 200
    assert admission.under_way == 200 * CROWD
    for one in (again, post):
        await one.disconnect()


async def test_crowd_may_be_let_in_all_the_same(settings: object) -> None:
    settings.VORTEX = {**settings.VORTEX, "OPENING_SECONDS": 0}  # type: ignore[attr-defined]
    hub.get_server().admission.under_way = 200 * CROWD
    new = Connection.open_websocket(vortex_application(), vortexUuid="new", **NATIVE)
    await new.wait_for(2)
    assert new.types == ["websocket.accept", "websocket.send"]
    await new.disconnect()
