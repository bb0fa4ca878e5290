"""The editor of one row: `Loader`.

Takes a filt that an `OrmCrudHandler` answers, gives the row, and sends back what was changed in it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from types import TracebackType
from typing import Any, Protocol, Self

from django_vortex.exceptions import NotFound
from django_vortex.tuples import GenericTuple
from django_vortex.typedefs import Filt, Json
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.payload import Payload

_MISSING: Any = object()


class Call(Protocol):
    """What asks the server; `Client.call`."""

    def __call__(
        self, what: Filt, /, *, tuples: list[Any] | None = None, timeout: float | None = 30.0
    ) -> Awaitable[Payload]:
        """Ask and return the answer."""


class Loader:
    """One row of a table, as the server last told it and as it was changed since.

    Attributes:
        row: The row; its fields may be set. None before `load`, and after `delete`.
    """

    def __init__(
        self, call: Call, filt: Filt, codec: Codec, dialect: Dialect, identity: Collection[str]
    ) -> None:
        self.row: Any = None
        self._identity = frozenset(identity)
        self._call = call
        self._filt = dict(filt)
        self._codec = codec
        self._dialect = dialect
        self._loaded: Json = None
        self._question = 0

    @property
    def is_changed(self) -> bool:
        """Whether the row is not as the server last told it."""
        return self.row is not None and self._write() != self._loaded

    async def load(self, *, timeout: float | None = 30.0) -> Any:
        """Ask for the row and return it; changes that were not saved are lost.

        Raises:
            NotFound: There is none, or not for this client.
        """
        return await self._ask(self._filt, None, timeout)

    async def save(self, *, timeout: float | None = 30.0) -> Any:
        """Save the row and return it as it is stored.

        Raises:
            Conflict: Somebody else has changed it meanwhile; ``tuples`` has the stored row.
            ValidationError: The server does not accept it.
        """
        return await self._ask(self._filt, [self._make_partial()], timeout)

    async def delete(self, *, timeout: float | None = 30.0) -> None:
        """Delete the row."""
        self._question += 1
        await self._call({**self._filt, "delete": True}, tuples=[self.row], timeout=timeout)
        self.row = self._loaded = None

    async def __aenter__(self) -> Self:
        await self.load()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._question += 1  # an answer that is under way changes nothing any more

    async def _ask(self, filt: Filt, tuples: list[Any] | None, timeout: float | None) -> Any:
        """Ask and take the row of the answer, unless something else was asked meanwhile."""
        self._question += 1
        question = self._question
        answer = await self._call(filt, tuples=tuples, timeout=timeout)
        if question != self._question:
            return self.row
        if not answer.tuples:
            raise NotFound(f"There is no row for {self._filt!r}")
        self.row = answer.tuples[0]
        self._loaded = self._write()
        return self.row

    def _make_partial(self) -> Any:
        """Return the row without what nobody changed, where the server can be told so."""
        written, loaded = self._write(), self._loaded
        if not self._dialect.says_absent or not isinstance(loaded, dict):
            return self.row
        if not isinstance(written, dict) or written.get("_ct") != "rt":
            return self.row
        names = {name for name, value in written.items() if loaded.get(name, _MISSING) != value}
        sent = [name for name in written if name in names or name in self._identity]
        return GenericTuple(
            written["_c"],
            {name: getattr(self.row, name) for name in sent if not name.startswith("_")},
        )

    def _write(self) -> Json:
        return self._codec.encode_value(self.row, self._dialect)
