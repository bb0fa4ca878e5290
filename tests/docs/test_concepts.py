"""How much a reader has to learn before something is live."""

import re
from typing import Final

import pytest

from tests.docs.blocks import ROOT

CONCEPTS: Final[dict[str, set[str]]] = {
    "tuple type": {"tuple_type"},
    "query": {"query"},
    "OrmCrudHandler": {"OrmCrudHandler"},
    "action": {"endpoint"},
    "permission": {"IsStaff"},
    "request": set(),
    "send": {"send", "Payload"},
    "client": {"connect"},
}
"""The words of a live page, with what is imported for each."""

SET_UP: Final = {"vortex_application"}
"""What is written once and not looked at again."""

BEFORE_LIVE: Final = {
    "docs/tutorial.rst": "\nChanges show\n",
    "README.rst": "\nSee it run\n",
}
"""By page the heading behind which it is live."""


def read(page: str) -> str:
    before, _, _ = (ROOT / page).read_text("utf-8").partition(BEFORE_LIVE[page])
    return before


def find_imported(text: str) -> set[str]:
    """Return what code imports of the package."""
    lines = re.findall(r"^ +from django_vortex[\w.]* import (.+)$", text, re.M)
    return {name.strip() for line in lines for name in line.split(",")}


def test_tutorial_explains_eight_words() -> None:
    text = read("docs/tutorial.rst")
    bold = re.findall(r"\*\*(.+?)\*\*", text)
    named = re.findall(r"^\* (?:An )?``(\w+)``", text, re.M)
    assert sorted([*bold, *named]) == sorted(CONCEPTS)
    assert len(CONCEPTS) <= 8


@pytest.mark.parametrize("page", BEFORE_LIVE)
def test_code_until_something_is_live_uses_no_others(page: str) -> None:
    imported = find_imported(read(page))
    assert "query" in imported
    assert imported <= SET_UP.union(*CONCEPTS.values())
