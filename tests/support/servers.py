"""A real ASGI server process running the example project and the app of these tests."""

import http.client
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.support.ports import HOST, free_port
from tests.support.processes import LoggedProcess
from tests.support.waiting import PATIENCE_SECONDS, wait_until

APPLICATION = "example_project.asgi:application"
SETTINGS = "tests.e2e.settings"

COMMANDS: dict[str, list[str]] = {
    "uvicorn": ["-m", "uvicorn", "--host", HOST, "--port", "{port}", "{application}"],
    "daphne": ["-m", "daphne", "-b", HOST, "-p", "{port}", "{application}"],
    "runserver": ["manage.py", "runserver", "--noreload", f"{HOST}:{{port}}"],
}
"""How each kind of server is started; behind ``python``."""


class ServerProcess(LoggedProcess):
    """One server with settings of its own.

    Args:
        kind: A key of `COMMANDS`.
        directory: Where the log goes.
        database: SQLite file, migrated; servers that share it see the same rows and sessions.
        vortex: Entries of the ``VORTEX`` setting, over those of the example project.
        layer: ``"none"``, ``"memory"``, ``"pubsub"`` or ``"core"``.
        redis_url: For the last two.
        port: Instead of a free one.
        application: What uvicorn and Daphne serve.
        arguments: More arguments of the server's command.
        env: More environment.
    """

    def __init__(
        self,
        kind: str,
        directory: Path,
        *,
        database: Path,
        vortex: Mapping[str, object] = {},
        layer: str = "none",
        redis_url: str = "",
        port: int | None = None,
        application: str = APPLICATION,
        arguments: Sequence[str] = (),
        env: Mapping[str, str] = {},
    ) -> None:
        self.kind = kind
        self.port = port or free_port()
        command = [part.format(port=self.port, application=application) for part in COMMANDS[kind]]
        self.environment = {
            **server_environment(database, vortex=vortex, layer=layer, redis_url=redis_url),
            **env,
        }
        super().__init__(
            f"{kind}-{self.port}",
            [sys.executable, *command, *arguments],
            directory,
            self.environment,
        )

    @property
    def http_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://{HOST}:{self.port}"

    def wait_until_ready(self) -> None:
        """Wait until it answers requests."""
        wait_until(self.is_answering, f"{self.name} to answer")

    def restart(self) -> None:
        """Start it again on the same port; it must have been stopped or killed."""
        self.start()

    def is_answering(self) -> bool:
        """Return whether it answers the stats view; fail when it has ended."""
        self.require_running()
        try:
            return bool(self.stats())
        except (OSError, http.client.HTTPException):
            return False

    def get(self, path: str, *, method: str = "GET", **query: object) -> tuple[int, bytes]:
        """Request a path and return the status and the body."""
        return self._request(method, path, query)

    def _request(self, method: str, path: str, query: Mapping[str, object]) -> tuple[int, bytes]:
        target = f"{path}?{urlencode(query)}" if query else path
        connection = http.client.HTTPConnection(HOST, self.port, timeout=60)
        try:
            connection.request(method, target, headers={"Connection": "close"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def get_json(self, path: str, **query: object) -> Any:
        """Request a path that answers JSON; anything but 200 fails with what came."""
        status, body = self._request("GET", path, query)
        assert status == 200, f"{path} answered {status}: {body[:2000]!r}\n{self.log[-4000:]}"
        return json.loads(body)

    def stats(self) -> dict[str, Any]:
        """What the process uses: see ``tests.e2e.app.views.stats``."""
        stats: dict[str, Any] = self.get_json("/e2e/stats")
        return stats

    def wait_for_peers(self, count: int, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until so many peers have an open stream."""
        wait_until(
            lambda: self.stats()["peers"] >= count, f"{count} peers at {self.name}", seconds=seconds
        )

    def push(self, **parameters: object) -> dict[str, Any]:
        """Let a view of this server push: see ``tests.e2e.app.views.push``."""
        done: dict[str, Any] = self.get_json("/e2e/push", **parameters)
        return done


def server_environment(
    database: Path,
    *,
    vortex: Mapping[str, object] = {},
    layer: str = "none",
    redis_url: str = "",
) -> dict[str, str]:
    """Return the environment that the settings read, for servers and commands alike."""
    return {
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "EXAMPLE_DEBUG": "0",
        "EXAMPLE_DATABASE": str(database),
        "EXAMPLE_VORTEX": json.dumps(dict(vortex)),
        "EXAMPLE_CHANNEL_LAYER": layer,
        "EXAMPLE_REDIS_URL": redis_url,
    }
