"""In CI nothing may be skipped, silently or otherwise."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PLAIN = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""Pytest without what is installed beside it, which takes longer to load than to run these."""

IN_A_TEST = """
import pytest

def test_part_that_is_missing():
    pytest.skip("no browser here")
"""
IN_A_MODULE = """
import pytest

pytest.importorskip("no_such_module", reason="no browser here")
"""
EXPECTED_TO_FAIL = """
import pytest

@pytest.mark.xfail(reason="known")
def test_defect():
    assert False
"""


def run_pytest(tmp_path, code, ci):
    path = tmp_path / "test_some.py"
    path.write_text(code)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, "--rootdir", tmp_path, "-c", os.devnull, path],
        env={**os.environ, **PLAIN, "PYTHONPATH": str(ROOT), "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("code", [IN_A_TEST, IN_A_MODULE])
def test_skip_fails_in_ci_with_its_reason(tmp_path, code):
    done = run_pytest(tmp_path, code, "true")
    assert done.returncode != 0, done.stdout
    assert "Nothing may be skipped in CI" in done.stdout
    assert "no browser here" in done.stdout


@pytest.mark.parametrize("ci", ["", "false"])
def test_skip_elsewhere_is_a_skip(tmp_path, ci):
    done = run_pytest(tmp_path, IN_A_TEST, ci)
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout


def test_known_defect_is_no_skip(tmp_path):
    assert run_pytest(tmp_path, EXPECTED_TO_FAIL, "true").returncode == 0
