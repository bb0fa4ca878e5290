"""Unit, architecture, CRUD and live tests over Pythons, Djangos and ages of dependencies.

``make pythons``, a part of ``make test``, runs them with the newest of everything on each Python
beside the one of `make test` itself, and measures how much of the package they reach. ``make
matrix`` runs all cells, ``make matrix ARGS=--list`` names the cells, and ``make matrix
ARGS="-k 'py312 and lowest'"`` chooses some. Where a Python is neither on the PATH nor in pyenv, its
cells are left out, and nox says so. PostgreSQL and real servers are tested once, by ``make test``.
One more session lets servers and clients of this tree talk with those of the previous version.
"""

import os
import shutil
import sys
import tarfile
from configparser import ConfigParser
from itertools import product
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = False
nox.options.stop_on_first_error = False

# Pythons of pyenv are found whichever of them is the shell's.
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], *map(str, PYENV.glob("versions/*/bin"))])

PYTHONS = ("3.11", "3.12", "3.13")
DJANGOS = {"5.2": "Django==5.2.*", "6.0": "Django==6.0.*", "newest": "Django"}
AGES = ("lowest", "newest")
PREVIOUS = "4354fc5"
"""The last commit of the version before that in ``wire/versions.py``."""

RUNTIME_EXTRAS = ("client", "daphne", "uvicorn", "redis", "sqlalchemy")

CELLS = [
    nox.param(python, django, age, id=f"py{python}-django{django}-{age}".replace(".", ""))
    for python, django, age in product(PYTHONS, DJANGOS, AGES)
    if python != "3.11" or django == "5.2"  # Django 6 is for Python 3.12 and later
]


PYTEST = (
    *("python", "-m", "pytest", "-q", "--numprocesses=logical", "-k", "not postgres"),
    *("--hypothesis-profile=quick", "tests/unit", "tests/architecture", "tests/crud", "tests/live"),
)


@nox.session
@nox.parametrize("python,django,age", CELLS)
def tests(session: nox.Session, django: str, age: str) -> None:
    """Test one cell."""
    session.install(".[test]", DJANGOS[django], *(find_lowest() if age == "lowest" else ()))
    session.run(*PYTEST, *session.posargs)


@nox.session(python=PYTHONS)
def pythons(session: nox.Session) -> None:
    """Test with another Python; the newest has to reach what `fail_under` of setup.cfg says."""
    if session.python == ".".join(map(str, sys.version_info[:2])):
        session.skip("`make test` runs with this one")
    session.install(".[check]")
    if session.python != PYTHONS[-1]:
        session.run(*PYTEST, *session.posargs)
        return
    session.install("pytest-cov>=6")
    # What watches lines without slowing them down, from Python 3.12 on.
    session.run(*PYTEST, "--cov", *session.posargs, env={"COVERAGE_CORE": "sysmon"})


@nox.session
def previous(session: nox.Session) -> None:
    """Test this tree together with the last commit of the version before."""
    session.install(".[test]")
    tree = Path(session.create_tmp(), "tree")
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir()
    archive = tree / "tree.tar"
    session.run("git", "archive", "--output", str(archive), PREVIOUS, external=True)
    with tarfile.open(archive) as files:
        files.extractall(tree, filter="data")
    session.run(
        *("python", "-m", "pytest", "-q", "tests/previous_version", *session.posargs),
        env={"PREVIOUS_TREE": str(tree.resolve())},
    )


def find_lowest() -> list[str]:
    """Return the lower bounds of setup.cfg as requirements of just these releases.

    Django has a dimension of its own.
    """
    config = ConfigParser()
    config.read("setup.cfg")
    lines = config["options"]["install_requires"].splitlines()
    for extra in RUNTIME_EXTRAS:
        lines += config["options.extras_require"][extra].splitlines()
    named = [line.split(">=") for line in lines if ">=" in line and not line.startswith("Django")]
    return [f"{name}=={version}" for name, version in named]
