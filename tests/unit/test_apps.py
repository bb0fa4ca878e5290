import subprocess
import sys
from pathlib import Path

from django.apps import apps

from django_vortex.orm.django.tuples import DjangoModelAdapter
from django_vortex.routing.payload_io import payload_io
from django_vortex.transports.sending import push
from django_vortex.tuples import registry

ROOT = Path(__file__).parents[2]

PROJECT = """
import sys
from django.conf import settings
settings.configure(INSTALLED_APPS=["django_vortex", "shop"])
import django
django.setup()
from django_vortex import PayloadIO
from django_vortex.routing.payload_io import payload_io
print([endpoint.filt["key"] for endpoint in payload_io.endpoints])
"""


def make_app(directory, **modules):
    """Make an app of modules by their names."""
    app = directory / "shop"
    app.mkdir()
    for name, text in {"__init__": "", **modules}.items():
        (app / f"{name}.py").write_text(text)


def run_project(directory):
    return subprocess.run(
        [sys.executable, "-c", PROJECT],
        cwd=directory,
        env={"PYTHONPATH": f"{ROOT}:{directory}"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_app_is_installed_under_its_package_name():
    assert apps.get_app_config("django_vortex").name == "django_vortex"


def test_pushes_of_the_default_registry_go_through_the_transports():
    assert payload_io._push is push


def test_models_can_be_tuples_of_the_default_registry():
    model = apps.get_model("auth", "User")
    assert isinstance(registry.adapters.require(model), DjangoModelAdapter)


def test_vortex_module_of_every_app_is_imported(tmp_path):
    make_app(
        tmp_path,
        vortex="from django_vortex import PayloadEndpoint\n"
        "PayloadEndpoint({'key': 'shop.open'}, lambda request: None)\n",
    )
    done = run_project(tmp_path)
    assert done.stdout.strip() == "['shop.open']", done.stderr


def test_what_an_app_makes_when_it_is_ready_stays(tmp_path):
    make_app(
        tmp_path,
        apps="import gc\n"
        "from django.apps import AppConfig\n"
        "class ShopConfig(AppConfig):\n"
        "    name = 'shop'\n"
        "    def ready(self):\n"
        "        from django_vortex import PayloadEndpoint\n"
        "        PayloadEndpoint({'key': 'shop.ready'}, lambda request: None)\n"
        "        gc.collect()\n",
    )
    done = run_project(tmp_path)
    assert (done.stdout.strip(), done.stderr) == ("['shop.ready']", "")


def test_mistake_in_a_vortex_module_is_not_swallowed(tmp_path):
    make_app(tmp_path, vortex="import no_such_module")
    done = run_project(tmp_path)
    assert done.returncode == 1
    assert "No module named 'no_such_module'" in done.stderr
