"""A project as a reader makes it: Django's own templates, and the blocks of a document on top."""

import http.client
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.docs.blocks import ROOT, Block
from tests.support.ports import HOST, free_port, is_listening
from tests.support.processes import LoggedProcess
from tests.support.waiting import wait_until


class Project:
    """The project ``mysite`` with the app ``board`` in a folder of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.processes: list[LoggedProcess] = []
        self.run("-m", "django", "startproject", "mysite", ".")
        self.run("manage.py", "startapp", "board")

    def write(self, blocks: Iterable[Block]) -> None:
        for block in blocks:
            block.write(self.directory)

    def run(self, *arguments: str) -> str:
        """Run Python to its end in the project and give what it printed."""
        process = self.start("command", *arguments)
        code = process.wait(seconds=120)
        assert code == 0, process.log
        return process.log

    def start(self, name: str, *arguments: str) -> LoggedProcess:
        process = ProjectProcess(
            f"{name}-{len(self.processes)}", [sys.executable, *arguments], self.directory
        )
        self.processes.append(process)
        process.start()
        return process

    def serve(self) -> None:
        """Start ``runserver`` and wait until it answers."""
        address = f"{HOST}:{self.port}"
        server = self.start("server", "manage.py", "runserver", "--noreload", address)

        def is_ready() -> bool:
            server.require_running()
            return is_listening(self.port)

        wait_until(is_ready, "the server to listen")

    def get(self, path: str) -> bytes:
        """Request a page of the server."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=60)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            assert response.status == 200, path
            return response.read()
        finally:
            connection.close()

    def stop(self) -> None:
        for process in self.processes:
            process.stop()


class ProjectProcess(LoggedProcess):
    """A process that runs in the project and finds this checkout."""

    def __init__(self, name: str, command: list[str], directory: Path) -> None:
        self.cwd = directory
        env = {"PYTHONPATH": f"{ROOT}:{directory}", "DJANGO_SETTINGS_MODULE": "mysite.settings"}
        super().__init__(name, command, directory, env)
