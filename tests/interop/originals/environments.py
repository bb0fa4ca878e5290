"""The virtual environments of released clients, made once and kept beside the project.

Takes a `Release`, gives the interpreter that has it. Test processes that want the same environment
at a time wait for the one that makes it.
"""

import fcntl
import json
import shutil
import sys
from pathlib import Path

from tests.interop.originals.releases import Release, find_python
from tests.support.processes import ROOT, run

DIRECTORY = ROOT / ".venv-clients"
INSTALL_SECONDS = 900.0


def make_environment(release: Release, directory: Path = DIRECTORY) -> Path:
    """Return an interpreter with the release, which is installed if it is not yet.

    Args:
        release: What to install.
        directory: Where environments are kept.

    Raises:
        AssertionError: It cannot be installed; what pip said is in the text.
    """
    if not release.python:
        return Path(sys.executable)
    path = directory / str(release)
    interpreter = path / "bin" / "python"
    directory.mkdir(exist_ok=True)
    with (directory / f"{release}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = _describe(release)
        made = path / "made.json"
        if not made.exists() or made.read_text() != wanted:
            shutil.rmtree(path, ignore_errors=True)
            _install(release, path, interpreter)
            made.write_text(wanted)
    return interpreter


def _install(release: Release, path: Path, interpreter: Path) -> None:
    run([str(find_python(release.python)), "-m", "venv", str(path)], seconds=INSTALL_SECONDS)
    pip = [str(interpreter), "-m", "pip", "--disable-pip-version-check", "install"]
    for requirements in (release.first, (f"vortexpy=={release.version}", *release.requirements)):
        if requirements:
            run([*pip, *requirements], seconds=INSTALL_SECONDS)


def _describe(release: Release) -> str:
    """Return everything whose change makes the environment out of date."""
    python = str(find_python(release.python))
    return json.dumps([python, release.version, release.first, release.requirements])
