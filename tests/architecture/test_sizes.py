"""Files about live answers stay short: those of ``live/``, and in ``orm/`` who knows of it."""

from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "django_vortex"
MAX_LINES = 250


def find_long(root: Path) -> list[str]:
    """Return the files that have too many lines."""
    files = [*(root / "live").rglob("*.py")]
    files += [one for one in (root / "orm").rglob("*.py") if "django_vortex.live" in read(one)]
    return sorted(one.name for one in files if len(read(one).splitlines()) > MAX_LINES)


def read(path: Path) -> str:
    return path.read_text("utf-8")


def test_no_file_about_live_answers_is_long() -> None:
    assert find_long(PACKAGE) == []


def test_long_files_are_found(tmp_path: Path) -> None:
    for name, lines in {
        "live/a.py": 251,
        "live/b.py": 250,
        "orm/c.py": 300,
        "orm/d/e.py": 300,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("pass\n" * lines)
    assert find_long(tmp_path) == ["a.py"]
    (tmp_path / "orm/d/e.py").write_text("import django_vortex.live\n" + "pass\n" * 250)
    assert find_long(tmp_path) == ["a.py", "e.py"]
