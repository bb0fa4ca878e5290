"""What is installed is what is here: no file of the package stays behind."""

from configparser import ConfigParser
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
