"""Servers whose settings are wrong end at once, with a message that says what to do."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.fixtures import StartServer
from tests.support.processes import manage
from tests.support.servers import ServerProcess, server_environment

SERVERS = ["uvicorn", "daphne"]

WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "unknown key": ({"HEARTBEAT_SECNDS": 5}, ["HEARTBEAT_SECNDS", "'HEARTBEAT_SECONDS'"]),
    "wrong value": ({"THREADS": "many"}, ["VORTEX['THREADS'] must be an integer", "'many'"]),
    "no permission": ({"PERMISSION": "django_vortex.Nobody"}, ["Nobody", "VORTEX['PERMISSION']"]),
    "no layer": ({"CHANNEL_LAYER": "live"}, ["VORTEX['CHANNEL_LAYER'] is 'live'"]),
}


def end_of(server: ServerProcess) -> str:
    """Start a server that has to end by itself; return what it printed."""
    server.launch()
    assert server.wait() not in (0, -9), server.log
    return server.log


@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize("case", WRONG)
def test_server_with_wrong_settings_does_not_start(
    kind: str, case: str, database: Path, tmp_path: Path
) -> None:
    vortex, texts = WRONG[case]
    log = end_of(ServerProcess(kind, tmp_path, database=database, vortex=vortex))
    assert "ImproperlyConfigured" in log
    assert all(text in log for text in texts), log


@pytest.mark.parametrize("kind", SERVERS)
def test_server_of_a_project_without_the_app_does_not_start(
    kind: str, database: Path, tmp_path: Path
) -> None:
    (tmp_path / "settings_without_app.py").write_text(
        "from tests.e2e.settings import *\n"
        "INSTALLED_APPS = [app for app in INSTALLED_APPS if app != 'django_vortex']\n"
    )
    env = {"DJANGO_SETTINGS_MODULE": "settings_without_app", "PYTHONPATH": str(tmp_path)}
    log = end_of(ServerProcess(kind, tmp_path, database=database, env=env))
    assert 'Add "django_vortex" there' in log


def test_a_project_that_is_right_has_no_issues(database: Path) -> None:
    assert "System check identified no issues" in manage("check", env=server_environment(database))


def test_check_of_wrong_settings_names_them_once(database: Path) -> None:
    env = server_environment(database, vortex={"HEARTBEAT_SECNDS": 5})
    with pytest.raises(AssertionError) as failed:
        manage("check", env=env)
    told = str(failed.value)
    assert "django_vortex.E001" in told
    assert "django_vortex.E007" not in told
    assert "Traceback" not in told


def test_check_of_a_project_without_the_app_tells(database: Path, tmp_path: Path) -> None:
    (tmp_path / "settings_without_app.py").write_text(
        "from tests.e2e.settings import *\n"
        "INSTALLED_APPS = [app for app in INSTALLED_APPS if app != 'django_vortex']\n"
    )
    env = {
        **server_environment(database),
        "DJANGO_SETTINGS_MODULE": "settings_without_app",
        "PYTHONPATH": str(tmp_path),
    }
    with pytest.raises(AssertionError, match='Add "django_vortex" there'):
        manage("check", env=env)


def test_workers_without_a_layer_are_told_once_that_they_stand_alone(
    start_server: StartServer,
) -> None:
    server = start_server("uvicorn", arguments=["--workers", "2"])
    server.wait_for_log("no channel layer joins them")
    assert server.log.count("no channel layer joins them") == 1
    assert server.stop() == 0
