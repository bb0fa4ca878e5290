from typing import Any

import pytest
from django.test import override_settings

from django_vortex.checks.permission import check_permission
from django_vortex.routing.permission import Action, Permission
from django_vortex.routing.request import Request
from tests.support.check_messages import ids

HERE = __name__


class Own(Permission):
    def scope(self, request: Request, action: Action) -> Any:
        return {"owner_id": request.user.pk}


@pytest.mark.parametrize("key", ["PERMISSION", "CRUD_PERMISSION"])
@pytest.mark.parametrize(
    "path",
    [
        "nowhere.Permission",
        "django_vortex.Nobody",
        "django_vortex.Payload",
        "django_vortex.ModelPermissions",
    ],
)
def test_permission_that_is_none_is_told(key, path):
    with override_settings(VORTEX={key: path}):
        (message,) = check_permission()
    assert ids([message]) == ["E010"]
    assert path in message.msg
    assert key in message.msg


@pytest.mark.parametrize("key", ["PERMISSION", "CRUD_PERMISSION"])
def test_permission_that_is_one_is_silent(key):
    assert check_permission() == []
    with override_settings(VORTEX={key: "django_vortex.IsStaff"}):
        assert check_permission() == []
    with override_settings(VORTEX={key: 5}):
        assert check_permission() == []


def test_default_for_all_must_not_tell_rows_apart():
    with override_settings(VORTEX={"PERMISSION": f"{HERE}.Own"}):
        (message,) = check_permission()
    assert ids([message]) == ["E010"]
    assert "tells rows apart" in message.msg
    with override_settings(VORTEX={"CRUD_PERMISSION": f"{HERE}.Own"}):
        assert check_permission() == []


def test_older_name_beside_the_new_one_is_told():
    both = {
        "PERMISSION": "django_vortex.IsStaff",
        "CRUD_PERMISSION": "django_vortex.AllowAny",
    }
    with override_settings(VORTEX=both):
        (message,) = check_permission()
    assert ids([message]) == ["W030"]
