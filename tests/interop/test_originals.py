"""The drivers of released clients: where their Pythons are found, what is installed, what runs."""

import ast
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.interop.originals import environments, releases
from tests.interop.originals.environments import make_environment
from tests.interop.originals.releases import CURRENT, OTHERS, describe_releases, find_releases

ORIGINALS = Path(releases.__file__).parent
IN_CLIENTS = ["client_process", "enveloped", "notation", "observing", "oldest", "tuples"]
"""What the processes of all clients import."""

THIS = f"{sys.version_info[0]}.{sys.version_info[1]}"
RELEASE = replace(OTHERS[0], python=THIS)


def make_python(path: Path, version: str) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any Python, and the directory it is looked for in."""
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(releases, "find_python", releases.find_python.__wrapped__)
    return tmp_path


@pytest.mark.parametrize("name", IN_CLIENTS)
def test_what_clients_run_is_read_by_the_oldest_of_their_pythons(name: str) -> None:
    oldest = min(tuple(map(int, release.python.split("."))) for release in OTHERS)
    ast.parse((ORIGINALS / f"{name}.py").read_text("utf-8"), feature_version=oldest)


def test_newest_python_of_pyenv_is_taken_before_that_on_the_path(nowhere: Path) -> None:
    on_path = make_python(nowhere / "bin" / "python3.1", "3.1")
    assert releases.find_python("3.1") == on_path
    for patch in ("9", "16", "x"):
        make_python(nowhere / "versions" / f"3.1.{patch}" / "bin" / "python", "3.1")
    assert releases.find_python("3.1") == nowhere / "versions" / "3.1.16" / "bin" / "python"
    assert releases.find_python(THIS) == Path(sys.executable)


def test_name_that_gives_another_python_is_passed_over(nowhere: Path) -> None:
    make_python(nowhere / "bin" / "python3.1", "3.2")
    (nowhere / "versions" / "3.1.1" / "bin").mkdir(parents=True)
    (nowhere / "versions" / "3.1.1" / "bin" / "python").touch()
    assert releases.find_python("3.1") is None


def test_releases_without_their_python_are_named_and_not_collected(nowhere: Path) -> None:
    here = [CURRENT, *(one for one in OTHERS if one.python == THIS)]
    assert find_releases() == here
    line = describe_releases()
    assert line.startswith("released clients: vortexpy-6.2.2")
    assert "not collected, without their Python: 0.3.0 (python3.7), 2.4.3 (python3.9)" in line


def test_environment_is_made_once_and_again_when_its_requirements_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def install(release: releases.Release, path: Path, interpreter: Path) -> None:
        assert not path.exists()
        path.mkdir()
        made.append(release.version)

    monkeypatch.setattr(environments, "_install", install)
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(make_environment, [RELEASE] * 8, [tmp_path] * 8))
    assert paths == {tmp_path / str(RELEASE) / "bin" / "python"}
    assert made == ["0.3.0"]
    make_environment(replace(RELEASE, requirements=("Twisted==20.3.0",)), tmp_path)
    assert made == ["0.3.0", "0.3.0"]


def test_environment_that_was_not_finished_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(release: releases.Release, path: Path, interpreter: Path) -> None:
        path.mkdir()
        raise AssertionError("no network")

    monkeypatch.setattr(environments, "_install", fail)
    for _ in range(2):
        with pytest.raises(AssertionError, match="no network"):
            make_environment(RELEASE, tmp_path)


def test_current_release_runs_where_the_tests_run(tmp_path: Path) -> None:
    assert make_environment(CURRENT, tmp_path) == Path(sys.executable)
    assert not list(tmp_path.iterdir())
