"""All scenarios, each on one combination of servers, transport and processes, or on all eight.

``CONFORMANCE=all`` plays all; ``python -m tests.conformance`` does so without pytest.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.loader import Combination, Scenario, load
from tests.conformance.player import play
from tests.conformance.python_actor import FEATURES, PythonActor, waiting
from tests.conformance.stage import Stage, open_stage
from tests.support.fixtures import *  # noqa: F403


def make_parameters() -> Iterator[object]:
    """Yield a parameter for each play; scenarios of the same servers follow each other."""
    plays = [
        (one, combination)
        for one in load()
        for combination in (
            one.find_combinations() if os.environ.get("CONFORMANCE") == "all" else [one.choose()]
        )
    ]
    for scenario, combination in plays:
        marks = []
        if scenario.feature not in {"", *FEATURES}:
            marks.append(pytest.mark.xfail(reason=f"needs {scenario.feature}", run=False))
        servers = (
            combination.kind,
            combination.processes,
            json.dumps(scenario.settings, sort_keys=True),
        )
        yield pytest.param(
            servers, scenario, combination, id=f"{scenario.name}-{combination}", marks=marks
        )


@pytest.fixture(scope="module")
def stage(
    request: pytest.FixtureRequest,
    migrated_database: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    """The servers of a play; those of the next are others, or the same."""
    directory = tmp_path_factory.mktemp("stage")
    database = directory / "db.sqlite3"
    shutil.copyfile(migrated_database, database)
    kind, processes, settings = request.param
    combination = Combination(kind, "", processes)
    with open_stage(directory, database, combination, json.loads(settings)) as stage:
        yield stage


@pytest.mark.parametrize(
    ("stage", "scenario", "combination"),
    list(make_parameters()),
    indirect=["stage"],
    scope="module",
)
async def test_scenario(stage: Stage, scenario: Scenario, combination: Combination) -> None:
    try:
        with waiting(scenario):
            await play(scenario, stage, combination, PythonActor)
    finally:
        stage.repair()
        await stage.meet()
