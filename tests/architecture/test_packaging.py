"""What is installed is what is here: no file of the package stays behind."""

import ast
import re
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from importlib.metadata import packages_distributions, requires
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "django_vortex"


def files_of_package() -> list[Path]:
    files = [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*") if path.is_file()]
    return [path for path in files if not any(is_cache(part) for part in path.parts)]


def is_cache(name: str) -> bool:
    return name == "__pycache__" or name.startswith(".")


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {path.parent for path in files_of_package() if path.suffix == ".py"}
    assert Path("wire") in folders
    assert all((PACKAGE / folder / "__init__.py").exists() for folder in folders), folders


def test_every_file_that_is_no_module_is_package_data() -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    patterns = config["options.package_data"]["django_vortex"].split()
    installed = {path.relative_to(PACKAGE) for one in patterns for path in PACKAGE.glob(one)}
    others = {path for path in files_of_package() if path.suffix != ".py"}
    assert Path("py.typed") in others
    assert others <= installed


def test_the_documentation_is_built_with_all_that_the_package_imports() -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    needed = set(find_requirements(config, config["options"]["install_requires"]))
    needed |= set(find_requirements(config, config["options.extras_require"]["docs"]))
    needed |= {normal(one) for one in requires("Django") or () if ";" not in one}
    homes = packages_distributions()
    missing = {
        name
        for path in PACKAGE.rglob("*.py")
        for name in find_imports(path)
        if not {normal(one) for one in homes[name]} & needed
    }
    assert missing == set()


def find_imports(path: Path) -> Iterator[str]:
    """Find the packages of others that a module imports as soon as it is imported itself."""
    for node in ast.parse(path.read_text("utf-8")).body:
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        for name in (one.partition(".")[0] for one in names):
            if name not in sys.stdlib_module_names and name != PACKAGE.name:
                yield name


def find_requirements(config: ConfigParser, lines: str) -> Iterator[str]:
    """Find the names of requirements, those of our own extras instead of these."""
    for line in lines.split("\n"):
        own = re.fullmatch(r"django_vortex\[([\w,]+)\]", line)
        for extra in own.group(1).split(",") if own else ():
            yield from find_requirements(config, config["options.extras_require"][extra])
        if line and not own:
            yield normal(line)


def normal(requirement: str) -> str:
    """Return the name in a requirement as package indexes compare it."""
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-").replace(".", "-")
