"""What ``howto-released-clients.rst`` shows works as it stands there."""

import sys
from pathlib import Path

import pytest

from example_project import settings
from tests.docs.blocks import ROOT, read_blocks
from tests.support.fixtures import StartServer
from tests.support.processes import LoggedProcess
from tests.support.waiting import PATIENCE_SECONDS

DOCUMENT = "docs/howto-released-clients.rst"
CLIENT = read_blocks(DOCUMENT)["client.py"]


def test_client_names_the_server_of_the_demo() -> None:
    assert settings.VORTEX["NAME"] == "example"
    assert 'destVortexName="example"' in CLIENT.code


@pytest.mark.parametrize("kind", ["runserver", "uvicorn"])
def test_shown_client_receives_the_airports(
    kind: str, start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server(kind)
    path = tmp_path / CLIENT.file
    path.write_text(CLIENT.code.replace("8000", str(server.port)))
    client = LoggedProcess("client", [sys.executable, str(path)], tmp_path)
    client.start()
    assert client.wait(seconds=PATIENCE_SECONDS) == 0, client.log
    assert "3376 airports, the first is Thigpen" in client.log
    text = (ROOT / DOCUMENT).read_text("utf-8")
    assert "``3376 airports, the first is Thigpen``" in text
