"""What ``howto-authenticate.rst`` shows for browsers, in one: a token offered as a subprotocol."""

import re
import uuid
from typing import Any

import pytest

from tests.docs.blocks import ROOT
from tests.support.browser import *  # noqa: F403
from tests.support.fixtures import StartServer

TEXT = (ROOT / "docs" / "howto-authenticate.rst").read_text("utf-8")
(SHOWN,) = re.findall(r"code-block:: javascript\n\n((?:    [^\n]*\n)+)", TEXT)
SCRIPT = f"""([url, token]) => new Promise((resolve) => {{
    const socket = (() => {{ {SHOWN.replace("new WebSocket", "return new WebSocket")} }})();
    socket.onclose = (event) => resolve([event.code, socket.protocol]);
    socket.onmessage = async (event) => resolve([0, socket.protocol]);
}})"""


@pytest.mark.parametrize("kind", ["uvicorn", "daphne"])
def test_browser_shows_a_token_and_hears_that_one_is_bad(
    kind: str, start_server: StartServer, browser: Any
) -> None:
    functions = ["tests.e2e.app.tokens.find_signed"]
    server = start_server(kind, vortex={"AUTHENTICATE": functions})
    token = server.get_json("/e2e/token", username=str(uuid.uuid4()))["signed"]
    page = browser.new_context().new_page()
    page.goto(server.http_url)
    url = f"{server.ws_url}/vortex?vortexUuid={uuid.uuid4()}&vortexName=page&vortexDialect=native"
    assert page.evaluate(SCRIPT, [url, token]) == [0, "vortex.native"]
    assert page.evaluate(SCRIPT, [url, "a~bad?token"]) == [4401, "vortex.native"]
    page.context.close()
    server.stop()
