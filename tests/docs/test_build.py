"""The documentation builds, and every warning is an error."""

import sys

import pytest

from tests.docs.blocks import ROOT
from tests.support.processes import run


def test_documentation_builds_without_a_warning(tmp_path):
    pytest.importorskip("furo", reason="furo is not installed: pip install -e '.[docs]'")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    run([*command, "-d", str(tmp_path / "doctrees"), str(ROOT / "docs"), str(tmp_path / "html")])
    built = (tmp_path / "html" / "index.html").read_text("utf-8")
    assert "django_vortex" in built
