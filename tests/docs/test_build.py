"""The documentation builds, and every warning is an error."""

import re
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT
from tests.support.processes import run


def test_documentation_builds_without_a_warning(tmp_path):
    pytest.importorskip("furo", reason="furo is not installed: pip install -e '.[docs]'")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    run([*command, "-d", str(tmp_path / "doctrees"), str(ROOT / "docs"), str(tmp_path / "html")])
    built = (tmp_path / "html" / "index.html").read_text("utf-8")
    assert "django_vortex" in built
    pages = sorted((tmp_path / "html").glob("**/*.html"))
    torn = [(page.stem, cells) for page in pages for cells in read_rows(page) if is_torn(cells)]
    assert not torn, "a cell goes on in a row of its own"


def read_rows(page: Path) -> list[list[str]]:
    """Return the cells of all rows of all tables."""
    rows = re.findall(r"<tr.*?</tr>", page.read_text("utf-8"), flags=re.S)
    cells = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, flags=re.S) for row in rows]
    return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in row] for row in cells]


def is_torn(cells: list[str]) -> bool:
    """Say whether nothing stands beside the first cell, as where a simple table has two lines."""
    return len(cells) > 1 and cells[0] != "" and not any(cells[1:])
