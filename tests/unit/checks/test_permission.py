import pytest
from django.test import override_settings

from django_vortex.checks.permission import check_crud_permission
from tests.support.check_messages import ids


@pytest.mark.parametrize(
    "path",
    ["nowhere.Permission", "django_vortex.Nobody", "django_vortex.Payload"],
)
def test_crud_permission_that_is_none_is_told(path):
    with override_settings(VORTEX={"CRUD_PERMISSION": path}):
        (message,) = check_crud_permission()
    assert ids([message]) == ["E010"]
    assert path in message.msg


def test_crud_permission_that_is_one_is_silent():
    assert check_crud_permission() == []
    with override_settings(VORTEX={"CRUD_PERMISSION": "django_vortex.IsStaff"}):
        assert check_crud_permission() == []
    with override_settings(VORTEX={"CRUD_PERMISSION": 5}):
        assert check_crud_permission() == []
