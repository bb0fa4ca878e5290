import types
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import override_settings
from django.urls import include, path, re_path

from django_vortex.checks.urls import check_urls
from tests.support.check_messages import ids


def page(request: Any) -> HttpResponse:
    """Answer every path."""
    return HttpResponse()


def urlconf(*patterns: Any) -> Any:
    module = types.ModuleType("urls_of_a_test")
    module.urlpatterns = list(patterns)  # type: ignore[attr-defined]
    return override_settings(ROOT_URLCONF=module)


VORTEX = include("django_vortex.urls")


def test_a_project_without_a_vortex_is_told_what_to_add() -> None:
    with urlconf(path("page", page)):
        (message,) = check_urls()
    assert ids([message]) == ["W014"]
    assert 'include("django_vortex.urls")' in str(message.hint)


@pytest.mark.parametrize(
    "patterns",
    [
        [path("", VORTEX)],
        [path("live/", VORTEX), re_path("", page)],
        [path("deep/", include([path("er/", VORTEX)]))],
        [path("<slug:tenant>/", VORTEX)],
        [path("live/", include(("django_vortex.urls", "live")))],
    ],
)
def test_a_vortex_below_any_prefix_is_found(patterns: Any) -> None:
    with urlconf(*patterns):
        assert check_urls() == []


def test_a_vortex_behind_what_takes_every_path_is_told() -> None:
    with urlconf(re_path("", page), path("", VORTEX)):
        (message,) = check_urls()
    assert ids([message]) == ["W014"]
    assert "/vortex is hidden" in message.msg


def test_a_project_without_urls_is_not_asked() -> None:
    with override_settings(ROOT_URLCONF=None):
        assert check_urls() == []
