"""Real servers, and projects made as the documents tell."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docs.project import Project
from tests.support.fixtures import *  # noqa: F403


@pytest.fixture
def make_project(tmp_path: Path) -> Iterator[Callable[[], Project]]:
    """Make a fresh project; its processes are ended with the test."""
    projects: list[Project] = []

    def make() -> Project:
        projects.append(Project(tmp_path))
        return projects[-1]

    yield make
    for project in projects:
        project.stop()
