"""Every setting, system check and command has its heading, every decision its short record."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

import django_vortex
from django_vortex.conf import VortexSettings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MAX_RECORD_LINES = 40
DECISIONS = 12


def sections(page: str) -> dict[str, str]:
    """Return the text below each heading of a page."""
    text = (DOCS / page).read_text("utf-8")
    parts = re.split(r"^(\S[^\n]*)\n([=~-])\2+\n", text, flags=re.M)
    return dict(zip(parts[1::3], parts[3::3], strict=True))


@pytest.mark.parametrize("field", fields(VortexSettings), ids=lambda field: field.name)
def test_setting_has_its_heading_with_its_default(field):
    section = sections("settings.rst")[field.name.upper()]
    default = repr(field.default).replace("'", '"')
    assert f"Default: ``{default}``" in section
    assert len(section.split()) > 10


def test_no_heading_is_of_a_setting_that_is_gone():
    headings = {title for title in sections("settings.rst") if title.isupper()}
    assert headings == {field.name.upper() for field in fields(VortexSettings)}


def test_every_system_check_has_its_heading():
    folder = ROOT / "django_vortex" / "checks"
    source = "".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    ids = set(re.findall(r"django_vortex\.[EW]\d{3}", source))
    assert len(ids) >= 8
    assert ids == set(sections("checks.rst")) - {"System checks"}


def test_every_management_command_has_its_heading():
    folder = ROOT / "django_vortex" / "management" / "commands"
    commands = {path.stem for path in folder.glob("[!_]*.py")}
    assert commands
    assert commands == set(sections("commands.rst")) - {"Management commands"}


def test_every_public_name_is_in_the_reference():
    text = (DOCS / "reference.rst").read_text("utf-8")
    found = re.findall(r"^\.\. auto(?:class|function|exception):: (\w+)$", text, flags=re.M)
    assert sorted(found) == sorted(django_vortex.__all__)


def test_every_decision_has_a_short_record():
    records = sorted((DOCS / "project" / "decisions").glob("0*.rst"))
    assert len(records) >= DECISIONS
    for number, path in enumerate(records, start=1):
        text = path.read_text("utf-8")
        assert path.name.startswith(f"{number:04}-")
        assert text.startswith(f"{number}. "), path.name
        assert len(text.splitlines()) <= MAX_RECORD_LINES, path.name
        for heading in ("Context", "Decision", "Price"):
            assert f"\n{heading}\n---" in text, path.name
