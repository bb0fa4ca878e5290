from django.apps import apps


def test_app_is_installed_under_its_package_name():
    assert apps.get_app_config("django_vortex").name == "django_vortex"
