"""The capture is there when SQLAlchemy is, and imports nothing by itself."""

import sys

from tests.support.processes import run

BEGIN = """
import importlib.util, sys
from django_vortex.orm.sqlalchemy.installing import install_capture
"""

END = """
from django_vortex.orm.sqlalchemy import capture
from sqlalchemy.engine import Engine

assert capture.is_installed()
assert sqlalchemy.__spec__.loader is sqlalchemy.__loader__
print(type(sqlalchemy.__loader__).__name__)
"""


def run_program(text: str, *arguments: str) -> list[str]:
    return run([sys.executable, "-W", "error", "-c", text, *arguments]).splitlines()


def test_capture_is_installed_with_an_import_that_comes_later() -> None:
    text = """
finders = list(sys.meta_path)
install_capture()
install_capture()
print(len(sys.meta_path) - len(finders))
importlib.util.find_spec("sqlalchemy")
print("sqlalchemy" in sys.modules)
import sqlalchemy.orm
print(sys.meta_path == finders)
"""
    assert run_program(BEGIN + text + END) == ["1", "False", "True", "SourceFileLoader"]


def test_capture_is_installed_where_sqlalchemy_is_imported_already() -> None:
    text = "import sqlalchemy\n" + BEGIN + "install_capture()\n"
    assert run_program(text + END) == ["SourceFileLoader"]


def test_nothing_is_imported_where_there_is_no_sqlalchemy() -> None:
    text = "import sys\nsys.modules['sqlalchemy'] = None\n" + BEGIN + "install_capture()\n"
    assert run_program(text + "print('django_vortex.orm.sqlalchemy.capture' in sys.modules)") == [
        "False"
    ]


PROJECT = """
import sys
import django
from django.conf import settings

settings.configure(
    SECRET_KEY="x",
    INSTALLED_APPS=["django_vortex"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    VORTEX={"LIVE": sys.argv[-1] == "live"},
)
django.setup()
print("sqlalchemy" in sys.modules)
import sqlalchemy
from django_vortex.orm.sqlalchemy import capture
print(capture.is_installed(), sqlalchemy.engine.Engine._has_events)
"""


def test_project_imports_nothing_and_captures_what_it_imports() -> None:
    assert run_program(PROJECT, "live") == ["False", "True True"]


def test_project_that_is_not_live_leaves_sqlalchemy_untouched() -> None:
    assert run_program(PROJECT, "not live") == ["False", "False False"]
