from django.contrib.postgres.fields import HStoreField
from django.test import override_settings

from django_vortex.orm.django.kinds import get_kind
from tests.settings import INSTALLED_APPS


def test_field_of_an_app_that_is_installed_later_travels_then() -> None:
    field = HStoreField()
    field.set_attributes_from_name("store")
    assert "'django.contrib.postgres'" in get_kind(field).refusal
    with override_settings(INSTALLED_APPS=[*INSTALLED_APPS, "django.contrib.postgres"]):
        assert get_kind(field).refusal == ""
    assert get_kind(field).refusal
