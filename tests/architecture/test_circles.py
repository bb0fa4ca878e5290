"""No circle of files: of two files at most one knows the other, also by way of others.

Imports for types only and imports inside functions count like all others.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


def find_imports(source: str, module: str, *, is_package: bool) -> Iterator[str]:
    """Find the dotted names of all that a file may import, wherever in it the statement is."""
    folder = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = folder[: len(folder) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def read_graph(root: Path, folder: str) -> dict[str, set[str]]:
    """Read which modules below a folder import which others below it."""
    sources = {}
    for path in (root / folder).rglob("*.py"):
        parts = path.relative_to(root).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        module = ".".join(parts[:-1] if is_package else parts)
        sources[module] = (path.read_text(encoding="utf-8"), is_package)
    return {
        module: {
            name
            for name in find_imports(source, module, is_package=is_package)
            if name in sources and name != module
        }
        for module, (source, is_package) in sources.items()
    }


def find_circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Find the strongly connected components of more than one node, by Tarjan's algorithm."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    circles: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for target in graph[node]:
            if target not in order:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], order[target])
        if low[node] == order[node]:
            index = stack.index(node)
            if len(stack) > index + 1:
                circles.append(sorted(stack[index:]))
            del stack[index:]

    for node in graph:
        if node not in order:
            visit(node)
    return sorted(circles)


def test_no_files_are_in_a_circle() -> None:
    graph = read_graph(ROOT, "django_vortex")
    circles = find_circles(graph)
    known = {name: sorted(graph[name].intersection(one)) for one in circles for name in one}
    assert graph
    assert not circles, known


def test_circles_are_found_whatever_the_kind_of_import(tmp_path: Path) -> None:
    files = {
        "__init__": "",
        "plain": "from room import typed",
        "typed": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import late",
        "late": "def run():\n    import room.plain",
        "reader": "from room.plain import name\nfrom .typed import name",
    }
    (tmp_path / "room").mkdir()
    for name, source in files.items():
        (tmp_path / "room" / f"{name}.py").write_text(source)
    assert find_circles(read_graph(tmp_path, "room")) == [["room.late", "room.plain", "room.typed"]]


def test_names_of_a_package_belong_to_the_file_that_imports_them(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "__init__.py").write_text("from room.first import name")
    (tmp_path / "room" / "first.py").write_text("from room import other")
    (tmp_path / "room" / "other.py").write_text("")
    assert find_circles(read_graph(tmp_path, "room")) == [["room", "room.first"]]
