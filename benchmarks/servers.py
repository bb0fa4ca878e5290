"""Real server processes: waited for, measured from outside, always stopped."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SERVERS: Final = ("uvicorn", "daphne")
OURS: Final = "benchmarks.vortex_app:application"
OURS_WITH_DJANGO: Final = "benchmarks.vortex_app:django_application"
THEIRS: Final = "benchmarks.peers_app:application"
SOCKETIO: Final = "benchmarks.socketio_app:application"

_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A server that listens on ``port`` of the loopback address."""

    port: int
    pid: int

    def read_resident_bytes(self) -> int:
        """Return the resident memory of the process."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def run_server(
    server: str, application: str, settings: str = "benchmarks.settings"
) -> Iterator[ServerProcess]:
    """Run ``application`` in a fresh process of ``server`` for the length of the block.

    Args:
        server: One of ``SERVERS``.
        application: Import path, such as ``OURS`` or ``THEIRS``; found as in this process.
        settings: The module of Django's settings.
    """
    port = _pick_free_port()
    command = {
        "uvicorn": ["uvicorn", application, "--port", str(port)],
        "daphne": ["daphne", "-p", str(port), application],
    }[server]
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": settings,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_listening(port, process)
            yield ServerProcess(port, process.pid)
        except BaseException:
            log.seek(0)
            sys.stderr.write(f"--- {server} {application} said last:\n{log.read()[-3000:]}\n")
            raise
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _pick_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_listening(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"Server did not listen on port {port}, exit code {process.poll()}")
