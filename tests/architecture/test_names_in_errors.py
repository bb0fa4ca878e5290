"""Errors, hints and log lines recommend nothing that applications cannot import."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import django_vortex
from django_vortex import client, testing

PACKAGE = Path(django_vortex.__file__).parent
TREES = {path: ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}

PUBLIC = {*django_vortex.__all__, *client.__all__, *testing.__all__}

OWN = {
    node.name
    for tree in TREES.values()
    for node in ast.walk(tree)
    if isinstance(node, ast.ClassDef)
}
"""All classes of the package, by their names."""

FUNCTIONS = {
    node.name
    for tree in TREES.values()
    for node in tree.body
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
}
"""All functions of its modules."""

_SAYS = re.compile(r"(Error|Warning|Denied|Problem|Refusal|Failure|error|warning|exception)$")
_SAID = {"hint", "reason", "said", "text", "wanted"}
"""What texts are called before they are raised."""

_CLASS = re.compile(r"\b[A-Z][a-z]+(?:[A-Z][a-z0-9]*)+\b")
_DOTTED = re.compile(r"\bdjango_vortex\.([\w.]*\w)")
_CALL = re.compile(r"(?<![.\w])([a-z_]+)\(")


def find_texts(tree: ast.Module) -> Iterator[ast.Constant]:
    """Find the texts of what is raised, and of the messages of checks and logs."""
    for node in ast.walk(tree):
        is_said = isinstance(node, ast.Raise)
        if isinstance(node, ast.Call):
            is_said = bool(_SAYS.search(ast.unparse(node.func)))
        elif isinstance(node, ast.Assign):
            is_said = isinstance(node.targets[0], ast.Name) and node.targets[0].id in _SAID
        if is_said:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                    yield inner


def find_names(pattern: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """Find what a pattern finds in the texts, each with its place."""
    for path, tree in TREES.items():
        for text in find_texts(tree):
            for name in pattern.findall(text.value):
                yield f"{path.relative_to(PACKAGE)}:{text.lineno} {name}", name


def test_no_error_recommends_a_class_that_is_not_public() -> None:
    hidden = OWN - PUBLIC
    assert {place for place, name in find_names(_CLASS) if name in hidden} == set()


def test_no_error_recommends_a_function_that_is_not_public() -> None:
    hidden = FUNCTIONS - PUBLIC
    assert {place for place, name in find_names(_CALL) if name in hidden} == set()


def test_no_error_recommends_an_internal_module() -> None:
    public = {*PUBLIC, "urls", "asgi", "testing", "client"}
    assert {
        place
        for place, name in find_names(_DOTTED)
        if not re.fullmatch(r"[EW]\d{3}", name) and name.partition(".")[0] not in public
    } == set()


def test_texts_are_found() -> None:
    texts = {text.value for tree in TREES.values() for text in find_texts(tree)}
    assert any("Expected a CrudModel" in text for text in texts)
    assert any("write allows" in text or "vortex_application()" in text for text in texts)
