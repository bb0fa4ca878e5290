"""What a project says of its tenants."""

from contextlib import nullcontext
from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError
from django_vortex.server.subscriptions import NO_TENANT
from django_vortex.transports.tenants import make_find_tenant, read_tenant

returned: Any = None


def find(request: Any) -> Any:
    return returned


def test_project_without_tenants_has_none() -> None:
    request: Any = None
    assert make_find_tenant(None)(request) is NO_TENANT


def test_function_of_the_project_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    request: Any = None
    asked = make_find_tenant(f"{__name__}.find")
    assert asked(request) is NO_TENANT
    monkeypatch.setattr(f"{__name__}.returned", ("acme", nullcontext))
    assert (asked(request).key, asked(request).enter) == ("acme", nullcontext)


@pytest.mark.parametrize("value", ["acme", ("acme",), ([], nullcontext), ("acme", None)])
def test_what_is_no_tenant_is_named(value: Any) -> None:
    with pytest.raises(DefinitionError, match=r"project\.find returned .* a hashable key"):
        read_tenant(value, "project.find")
