"""Every lock of the package is one that a forked process finds free."""

import ast
from pathlib import Path

import django_vortex

PACKAGE = Path(django_vortex.__file__).parent
LOCKS = {"Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore"}


def find_locks(path: Path) -> list[str]:
    return [
        f"{path.relative_to(PACKAGE)}:{node.lineno} uses threading.{node.attr}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "threading"
        and node.attr in LOCKS
    ]


def test_only_one_module_makes_locks_of_threading() -> None:
    found = [one for path in PACKAGE.rglob("*.py") for one in find_locks(path)]
    assert {one.partition(":")[0] for one in found} == {"locks.py"}, found
