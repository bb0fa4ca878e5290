"""Warn where several server processes of a project run without a channel layer: `LoneProcess`.

Takes the settings, gives a warning in the log where a second server of the same project runs on
this machine although no channel layer joins them: a push of one does not reach the other's peers.
"""

import asyncio
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Final

from django.conf import settings

from django_vortex.logs import get_limited_logger

try:
    import fcntl

    HAS_LOCKS = True
except ImportError:  # on Windows, where servers have one process
    HAS_LOCKS = False

logger = get_limited_logger(__name__)

CONFIRM_SECONDS: Final = 10.0
"""How long two servers may be there together: while one replaces the other."""


class LoneProcess:
    """The claim to be the only server process of a project, held by a lock on a file.

    The lock is the process's own: it ends with it, however that ends, and no child inherits it.

    Args:
        name: Of the vortex.
        confirm_seconds: After how long a claim that failed is made again, before it is told.
    """

    def __init__(self, name: str, confirm_seconds: float = CONFIRM_SECONDS) -> None:
        self._path = _get_path(name)
        self._confirm_seconds = confirm_seconds
        self._file: int | None = None
        self._timer: asyncio.TimerHandle | None = None

    def claim(self, loop: asyncio.AbstractEventLoop) -> None:
        """Claim it; if another process has done so, look again later and write what it means."""
        if self._path is not None and not self._lock(self._path):
            self._timer = loop.call_later(self._confirm_seconds, self._confirm)

    def release(self) -> None:
        """Release the claim; may be called twice."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _confirm(self) -> None:
        self._timer = None
        if self._path is not None and not self._lock(self._path):
            logger.warning(
                "Another server process of this project runs here, and no channel layer joins them:"
                " a push in one does not reach the peers of the other. Set CHANNEL_LAYERS to a"
                " layer of channels_redis, or start one process"
            )

    def _lock(self, path: Path) -> bool:
        """Return whether no other process has the lock; what cannot be known counts as none."""
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            logger.debug("Whether other processes serve this project is not known: %s", error)
            return True
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return False
        self._file = file
        return True


def _get_path(name: str) -> Path | None:
    """Return the file that stands for a project with its data, None where there is none to tell.

    What is in the memory of a process belongs to no other, as in tests.
    """
    database = str(settings.DATABASES.get("default", {}).get("NAME", ""))
    if not HAS_LOCKS or "memory" in database:
        return None
    parts = (
        name,
        os.environ.get("DJANGO_SETTINGS_MODULE", ""),
        str(settings.ROOT_URLCONF),
        str(settings.SECRET_KEY),
        database,
    )
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
    return Path(tempfile.gettempdir()) / f"django_vortex-{os.getuid()}-{digest}.lock"
