"""A second server process of a project is told that it stands alone."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from django_vortex.transports.lone_process import LoneProcess, _get_path

HOLD = """
import fcntl, os, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def project(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project with a database that processes share, and a folder of its own for locks."""
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", "/srv/db.sqlite3")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def another_process() -> Iterator["subprocess.Popen[str]"]:
    """A process that has the claim already."""
    command = [sys.executable, "-c", HOLD, str(_get_path("a"))]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        assert process.stdin is not None
        process.stdin.close()


async def wait_for_timer(lone: LoneProcess) -> None:
    while lone._timer is not None:
        await asyncio.sleep(0.01)


async def test_the_second_process_is_warned(
    another_process: Any, caplog: pytest.LogCaptureFixture
) -> None:
    lone = LoneProcess("a", confirm_seconds=0)
    lone.claim(asyncio.get_running_loop())
    await wait_for_timer(lone)
    assert "no channel layer joins them" in caplog.text
    lone.release()


async def test_a_process_that_replaces_another_is_not(
    another_process: Any, caplog: pytest.LogCaptureFixture
) -> None:
    lone = LoneProcess("a", confirm_seconds=0.2)
    lone.claim(asyncio.get_running_loop())
    another_process.stdin.close()
    another_process.wait()
    await wait_for_timer(lone)
    assert caplog.text == ""
    lone.release()


async def test_vortexes_of_other_names_and_projects_are_others(
    another_process: Any, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    settings.SECRET_KEY = "of another project"
    for name in ("a", "b"):
        lone = LoneProcess(name, confirm_seconds=0)
        lone.claim(asyncio.get_running_loop())
        await wait_for_timer(lone)
        lone.release()
    assert caplog.text == ""


async def test_a_claim_that_was_given_back_is_free(caplog: pytest.LogCaptureFixture) -> None:
    lone = LoneProcess("a", confirm_seconds=0)
    lone.claim(asyncio.get_running_loop())
    lone.release()
    lone.release()
    done = subprocess.run(
        [sys.executable, "-c", HOLD, str(_get_path("a"))], input="", check=True, text=True
    )
    assert done.returncode == 0


async def test_where_nothing_can_be_known_nothing_is_said(
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    another_process: Any,
) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", "file:memory?mode=memory")
    LoneProcess("a", confirm_seconds=0).claim(asyncio.get_running_loop())
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", "/srv/other.sqlite3")
    path = _get_path("a")
    assert path is not None
    path.symlink_to(tmp_path / "elsewhere")
    LoneProcess("a", confirm_seconds=0).claim(asyncio.get_running_loop())
    assert not (tmp_path / "elsewhere").exists()
    assert caplog.text == ""
