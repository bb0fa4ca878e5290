"""The import contracts of ``setup.cfg`` hold, and the core needs no framework to be imported."""

import importlib
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from django_vortex.logs import RateLimit

ROOT = Path(__file__).parents[2]
CORE = ["exceptions", "typedefs", "tuples", "wire", "routing", "handlers", "server", "client"]
FRAMEWORKS = ["asgiref", "channels", "channels_redis", "daphne", "django", "sqlalchemy", "uvicorn"]


def modules_of(room):
    path = ROOT / "django_vortex" / room
    files = sorted(path.rglob("*.py")) or [path.with_suffix(".py")]
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    return [name.removesuffix(".__init__") for name in names]


def run_python(code):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_import_contracts_are_kept():
    pytest.importorskip("importlinter", reason="import-linter is not installed")
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"
    done = run_python(code)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_contracts_have_no_exceptions_and_name_every_room():
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    contracts = [name for name in config.sections() if name.startswith("importlinter:")]
    assert len(contracts) >= 4
    for contract in contracts:
        assert "ignore_imports" not in config[contract], contract
    assert config["importlinter:contract:floors"].getboolean("exhaustive")


@pytest.mark.parametrize("room", CORE)
def test_core_imports_without_any_framework(room):
    modules = modules_of(room)
    assert modules
    done = run_python(
        "import importlib, sys\n"
        f"sys.modules.update(dict.fromkeys({FRAMEWORKS!r}))\n"
        f"for name in {modules!r}:\n"
        "    importlib.import_module(name)\n"
    )
    assert done.returncode == 0, done.stderr


def test_import_of_the_package_alone_imports_nothing_else():
    done = run_python(
        "import sys, django_vortex\n"
        "print(sorted(name for name in sys.modules if name.startswith('django')))"
    )
    assert done.stdout.strip() == "['django_vortex']", done.stderr


@pytest.mark.parametrize("room", ["wire", "routing", "handlers", "orm"])
def test_what_peers_cause_is_logged_with_a_limit(room):
    for name in modules_of(room):
        logger = getattr(importlib.import_module(name), "logger", None)
        assert logger is None or any(isinstance(one, RateLimit) for one in logger.filters), name
