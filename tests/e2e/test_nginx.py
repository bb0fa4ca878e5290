"""The recipe for nginx in docs/deployment.rst, with the real nginx on a port of its own."""

import os
import re
import shutil
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from django_vortex.client import Refused, connect
from tests.support.fixtures import StartServer
from tests.support.ports import HOST, free_port, is_listening
from tests.support.processes import ROOT, LoggedProcess, starting
from tests.support.servers import ServerProcess
from tests.support.waiting import PATIENCE_SECONDS, wait_until

AROUND = """
daemon off;
{user}
pid {directory}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory};
    proxy_temp_path {directory};
    fastcgi_temp_path {directory};
    uwsgi_temp_path {directory};
    scgi_temp_path {directory};
{recipe}
}}
"""


def find_program() -> str:
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    return program


def read_recipe() -> str:
    text = (ROOT / "docs/deployment.rst").read_text("utf-8")
    match = re.search(r"^\.\. code-block:: nginx\n\n((?:    .*\n|\n)+)", text, re.M)
    assert match is not None
    return textwrap.dedent(match[1])


class Nginx(LoggedProcess):
    """nginx in front of a server, with the recipe on a port of its own and without TLS."""

    def __init__(self, recipe: str, server: ServerProcess, directory: Path) -> None:
        self.port = free_port()
        for told, here in (
            ("server 127.0.0.1:8000;", f"server {HOST}:{server.port};"),
            ("listen 443 ssl;", f"listen {HOST}:{self.port};"),
        ):
            assert told in recipe
            recipe = recipe.replace(told, here)
        user = "user root;" if os.geteuid() == 0 else ""
        path = directory / f"nginx-{self.port}.conf"
        path.write_text(AROUND.format(directory=directory, user=user, recipe=recipe))
        super().__init__(
            f"nginx-{self.port}", [find_program(), "-c", str(path), "-e", "stderr"], directory
        )

    def wait_until_ready(self) -> None:
        """Wait until it listens."""
        wait_until(lambda: is_listening(self.port), f"{self.name} to listen")

    @property
    def url(self) -> str:
        return f"ws://{HOST}:{self.port}/vortex"

    @property
    def origin(self) -> str:
        return f"http://{HOST}:{self.port}"


StartNginx = Callable[[str], Nginx]


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def server(request: pytest.FixtureRequest, start_server: StartServer) -> ServerProcess:
    return start_server(request.param, vortex={"TRUSTED_PROXIES": 1, "HEARTBEAT_SECONDS": 1.0})


@pytest.fixture
def start_nginx(server: ServerProcess, tmp_path: Path) -> Iterator[StartNginx]:
    with starting(lambda recipe: Nginx(recipe, server, tmp_path)) as start:
        yield start


@pytest.mark.parametrize("transport", ["websocket", "http"])
async def test_page_of_a_server_behind_nginx_is_let_in(
    start_nginx: StartNginx, transport: str
) -> None:
    nginx = start_nginx(read_recipe())
    async with connect(
        nginx.url,
        headers={"Origin": nginx.origin},
        transports=[transport],
        open_timeout=PATIENCE_SECONDS,
    ) as vortex:
        for size in (1, 100_000, 600_000):  # nothing is buffered
            reply = await vortex.call("e2e.echo", tuples=["x" * size], timeout=PATIENCE_SECONDS)
            assert reply.tuples == ["x" * size]


async def test_host_without_the_port_is_another_origin(start_nginx: StartNginx) -> None:
    nginx = start_nginx(read_recipe().replace("Host $http_host;", "Host $host;"))
    with pytest.raises(Refused, match="Pages of this origin may not connect"):
        async with connect(nginx.url, headers={"Origin": nginx.origin}, open_timeout=None):
            raise AssertionError("connected")
