import functools
from typing import Any

import pytest

from django_vortex.transports.paths import get_path_info, is_vortex_path
from django_vortex.transports.view import vortex_view
from tests.unit.transports import urlconf


@pytest.fixture(autouse=True)
def urls(settings: Any) -> None:
    settings.ROOT_URLCONF = urlconf.__name__


@pytest.mark.parametrize("path", ["/live/vortex", "/live/vortex/", "/live/vortexws/"])
def test_included_paths_are_vortexes(path: str) -> None:
    assert is_vortex_path({"path": path})


@pytest.mark.parametrize("path", ["/vortex", "/live/vortex//", "/live/vortexx", "/upload", "/", ""])
def test_other_paths_are_not(path: str) -> None:
    assert not is_vortex_path({"path": path})


def test_prefix_of_the_server_is_not_part_of_the_path() -> None:
    scope = {"path": "/app/live/vortex", "root_path": "/app"}
    assert get_path_info(scope) == "/live/vortex"
    assert is_vortex_path(scope)


def test_prefix_of_the_settings_counts_more(settings: Any) -> None:
    settings.FORCE_SCRIPT_NAME = "/forced"
    assert get_path_info({"path": "/forced/x", "root_path": "/app"}) == "/x"


def test_decorated_view_stays_a_vortex() -> None:
    @functools.wraps(vortex_view)
    async def decorated(request: Any) -> None: ...

    assert decorated.is_vortex  # type: ignore[attr-defined]
