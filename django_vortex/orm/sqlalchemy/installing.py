"""Capturing SQLAlchemy's writes as soon as it is there: `install_capture`.

Who never imports SQLAlchemy does not import it for this, and need not have it.
"""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

from django_vortex.logs import get_limited_logger

logger = get_limited_logger(__name__)

_NAME = "sqlalchemy"


def install_capture() -> None:
    """Capture what SQLAlchemy writes, from its import on if that is still to come."""
    if _NAME in sys.modules:
        _install()
    elif not any(isinstance(one, _Finder) for one in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def _install() -> None:
    if sys.modules[_NAME] is None:  # so it is made impossible to import
        return
    try:
        from django_vortex.orm.sqlalchemy import capture

        capture.install()
    except Exception:
        logger.exception("What SQLAlchemy writes cannot be noticed")


class _Finder(MetaPathFinder):
    """Finds SQLAlchemy as the finders after it do, with a loader that installs the capture."""

    def __init__(self) -> None:
        self._is_finding = False

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != _NAME or self._is_finding:
            return None
        self._is_finding = True
        try:
            spec = find_spec(name)
        finally:
            self._is_finding = False
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self)
        return spec


class _Loader(Loader):
    """Executes the module, then installs the capture.

    Args:
        loader: The module's own.
        finder: Who is not needed any more then.
    """

    def __init__(self, loader: Loader, finder: MetaPathFinder) -> None:
        self._loader = loader
        self._finder = finder

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        if spec is not None:
            spec.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        _install()
