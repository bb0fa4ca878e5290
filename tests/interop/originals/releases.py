"""The releases of VortexPY that tests run, what each needs, and which Pythons are here.

Takes nothing, gives `Release`s; `environments` installs them.
"""

import functools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HTTP, WEBSOCKET = "http", "websocket"


@dataclass(frozen=True)
class Release:
    """A release of VortexPY on the Python that it runs on.

    Attributes:
        version: Of VortexPY.
        python: Version of Python, as ``3.7``; empty for the environment of the tests.
        kinds: The transports that its client has and that our server serves.
        requirements: What is installed beside it.
        first: What has to be there before that can be built.
    """

    version: str
    python: str
    kinds: tuple[str, ...]
    requirements: tuple[str, ...] = ()
    first: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"vortexpy-{self.version}" + (f"-py{self.python}" if self.python else "")

    @property
    def is_oldest(self) -> bool:
        """Whether it speaks D0, which has neither bytes nor time zones."""
        return self.version.startswith("0.")


CURRENT = Release("6.2.2", "", (HTTP, WEBSOCKET))
"""The one that is installed beside the tests."""

OTHERS = (
    Release(
        "0.3.0",
        "3.7",
        (HTTP,),
        ("Twisted==20.3.0", "txWS==0.9.1", "SQLAlchemy>=1.3,<1.4"),
        first=("wheel", "vcversioner"),
    ),
    Release("2.4.3", "3.9", (HTTP,), ("Twisted==21.2.0", "ujson==1.35", "SQLAlchemy>=1.3,<1.4")),
    Release(
        "3.4.7", "3.9", (HTTP, WEBSOCKET), ("Twisted==22.10.0", "rx>=1.6,<1.7", "SQLAlchemy<2")
    ),
    Release("4.3.11", "3.12", (HTTP, WEBSOCKET), ("Twisted<25",)),
    Release("6.2.2", "3.12", (HTTP, WEBSOCKET), ("Twisted<25",)),
)


def find_releases() -> list[Release]:
    """Return the releases that can run on this machine."""
    return [CURRENT, *(one for one in OTHERS if find_python(one.python) is not None)]


def describe_releases() -> str:
    """Say in one line which releases are tested and which are not."""
    found = find_releases()
    line = f"released clients: {', '.join(map(str, found))}"
    missing = [f"{one.version} (python{one.python})" for one in OTHERS if one not in found]
    return f"{line}; not collected, without their Python: {', '.join(missing)}" if missing else line


@functools.cache
def find_python(version: str) -> Path | None:
    """Return an interpreter of a version such as ``3.7``: this one, pyenv's, or one on the PATH."""
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return Path(sys.executable)
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    of_pyenv = sorted(root.glob(f"versions/{version}.*/bin/python"), key=_patch_level)
    on_path = shutil.which(f"python{version}")
    for path in (*reversed(of_pyenv), *([Path(on_path)] if on_path else [])):
        if _is_version(path, version):
            return path
    return None


def _patch_level(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in path.parts[-3].split(".") if part.isdigit())


def _is_version(path: Path, version: str) -> bool:
    """Ask the interpreter itself: pyenv puts names on the PATH that it does not serve."""
    script = "import sys, ensurepip, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([path, "-c", script], capture_output=True, timeout=60, check=False)
    except OSError:
        return False
    return done.stdout.decode().strip() == version
