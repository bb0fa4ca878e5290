"""A process of a test, with everything it prints in a file.

What a process printed during a test is shown when that test fails: `show_logs` prints it at the
end of every test, and pytest shows what was printed only for failures.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
"""The repository; where all processes run, so that ``tests`` and ``example_project`` import."""

SHOWN_BYTES = 20_000
STOP_SECONDS = 60.0

_logged: list["LoggedProcess"] = []

_Process = TypeVar("_Process", bound="LoggedProcess")


class LoggedProcess:
    """One command that can be started, stopped, killed and started again.

    Args:
        name: What it is called in logs and failures.
        command: Program and arguments.
        directory: Where the log goes.
        env: Added to the environment of the tests.
    """

    cwd = ROOT
    """Where it runs."""

    user: int | None = None
    """Whose process it is, by number; whoever runs the tests by default."""

    def __init__(
        self, name: str, command: Sequence[str], directory: Path, env: Mapping[str, str] = {}
    ) -> None:
        self.name = name
        self.command = list(command)
        self.env = {"PYTHONUNBUFFERED": "1", **env}
        self.log_path = directory / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.name} was not started"
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def log(self) -> str:
        """Everything printed so far, over all starts."""
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    def start(self, *, stdin: int = subprocess.DEVNULL, stdout: int | None = None) -> None:
        """Start it and wait until it is ready; the arguments are those of `launch`."""
        self.launch(stdin=stdin, stdout=stdout)
        self.wait_until_ready()

    def launch(self, *, stdin: int = subprocess.DEVNULL, stdout: int | None = None) -> None:
        """Start it; with pipes where the caller wants to talk to it, else into the log."""
        assert not self.is_running, f"{self.name} is running"
        self.prepare()
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.cwd,
                env={**os.environ, **self.env},
                stdin=stdin,
                stdout=log if stdout is None else stdout,
                stderr=log,
                user=self.user,
            )
        if self not in _logged:
            _logged.append(self)

    def prepare(self) -> None:
        """Make what it needs, before it is started."""

    def wait_until_ready(self) -> None:
        """Wait until it does what it is for; a command is ready when it runs."""

    def stop(self, *, seconds: float = STOP_SECONDS) -> int:
        """End it with SIGTERM, by force when it does not obey; return its exit code.

        A server that does not end in time is ended all the same; tests of shutdown look at the
        exit code, -9 then.
        """
        if self.process is None:
            return 0
        if self.is_running:
            self.process.terminate()
        return self.wait(seconds=seconds)

    def wait(self, *, seconds: float = STOP_SECONDS) -> int:
        """Wait for its end, forced after `seconds`; return the exit code."""
        assert self.process is not None
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def kill(self) -> None:
        """End it with SIGKILL: no clean-up, no farewell."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def wait_for_log(self, text: str, *, start: int = 0) -> None:
        """Wait until it has printed `text` behind the character `start` of its log."""
        wait_until(lambda: text in self.log[start:], f"{text!r} in the log of {self.name}")

    def require_running(self) -> None:
        """Fail with what it printed when it has ended."""
        if not self.is_running:
            code = self.process.returncode if self.process else None
            raise AssertionError(
                f"{self.name} ended with {code}: {' '.join(self.command)}\n"
                f"{self.log[-SHOWN_BYTES:]}"
            )


def run(command: Sequence[str], env: Mapping[str, str] = {}, *, seconds: float = 120.0) -> str:
    """Run a command to its end and return what it printed; a failure shows it."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=seconds,
        check=False,
    )
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}\n{text}")
    return text


def manage(*arguments: str, env: Mapping[str, str] = {}, seconds: float = 120.0) -> str:
    """Run a management command in a process of its own and return what it printed."""
    return run([sys.executable, "manage.py", *arguments], env, seconds=seconds)


@contextmanager
def starting(make: Callable[..., _Process]) -> Iterator[Callable[..., _Process]]:
    """Yield a function that makes and starts processes, and stop all of them in the end."""
    made: list[_Process] = []

    def start(*arguments: object, **options: object) -> _Process:
        process = make(*arguments, **options)
        made.append(process)
        process.start()
        return process

    yield start
    for process in made:
        process.stop()


@contextmanager
def show_logs() -> Iterator[None]:
    """Print what all processes printed in between; pytest shows that for failures only."""
    offsets = {process: len(process.log) for process in _logged}
    yield
    for process in list(_logged):
        text = process.log[offsets.get(process, 0) :]
        if text:
            print(f"---- {process.name} (pid {process.pid}) ----\n{text[-SHOWN_BYTES:]}")
        if not process.is_running:
            _logged.remove(process)
