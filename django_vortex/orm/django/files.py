"""How files of Django fields travel: as the address that a browser loads them from.

Takes a `FileField`, gives what reads the address of a row's file and what makes a name of an
address that a peer sent back. No file is opened.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from django.db import models

from django_vortex.logs import get_limited_logger

logger = get_limited_logger(__name__)

_reported: set[type] = set()
"""The storages whose failures are in the log."""


class FileAddress(str):
    """An address in the place of a file: what a peer sent, or what is about to be sent."""

    __slots__ = ()


def is_file(field: Any) -> bool:
    """Return whether a field holds files, which travel as addresses."""
    return isinstance(field, models.FileField)


def make_file_reader(
    field: "models.FileField", load: Callable[[Any], Any]
) -> Callable[[Any], FileAddress | None]:
    """Return what reads the address of a row's file, None where it has none.

    Args:
        field: The field.
        load: Gives what the row has in it.
    """
    name = field.attname

    def read(row: Any) -> FileAddress | None:
        value = load(row)
        if not value:
            return None
        if value.__class__ is FileAddress:
            return value
        return _get_address(getattr(row, name))

    return read


def to_name(field: Any, address: str) -> str:
    """Return the name of a file in its storage, for an address that came back.

    The address itself where the storage does not say what its addresses begin with.
    """
    base = getattr(field.storage, "base_url", None)
    if isinstance(base, str) and base and address.startswith(base):
        return unquote(address.removeprefix(base))
    return FileAddress(address)


def _get_address(file: Any) -> FileAddress:
    """Return the URL of a file, its name where the storage knows or gives none."""
    try:
        return FileAddress(file.url)
    except (NotImplementedError, ValueError):
        pass  # what Django's storages say that have no URLs
    except Exception:
        kind = type(file.storage)
        if kind not in _reported:
            _reported.add(kind)
            logger.exception("%s gives no URL; its files travel by their names", kind.__qualname__)
    return FileAddress(file.name)
