"""JSON text, both ways.

Takes what JSON can hold, gives ASCII bytes; takes foreign bytes, gives what they hold or a
`WireError`. ``NaN`` and lone surrogates pass, since VortexPY writes and reads them.
"""

from __future__ import annotations

import codecs
import json

import msgspec

from django_vortex.exceptions import LimitExceeded, MalformedMessage
from django_vortex.typedefs import Json

SAME = frozenset({type(None), bool, str})
"""Classes whose values every dialect writes as they are."""

PLAIN = SAME | {int, float}
"""Classes whose values stand for themselves in what is read."""

_ESCAPE = "django_vortex.json_escape"

_CONTAINERS = (dict, list)

_WRAPPER_KEYS = 2
"""How many keys an object has that stands for a value: ``_ft`` and ``_fd``."""

_writer = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), check_circular=False)
_sorting_writer = json.JSONEncoder(
    ensure_ascii=True, separators=(",", ":"), check_circular=False, sort_keys=True
)
_read_quickly = msgspec.json.Decoder().decode


def write_json(value: Json) -> bytes:
    """Return compact ASCII JSON of what JSON can hold."""
    try:
        text = _writer.encode(value)
    except TypeError:
        text = _writer.encode(_with_text_keys(value))
    return text.encode("ascii")


def write_sorted_json(value: Json) -> bytes:
    """Return the same with the keys of all objects in order."""
    try:
        text = _sorting_writer.encode(value)
    except TypeError:
        text = _sorting_writer.encode(_with_text_keys(value))
    return text.encode("ascii")


def escape_json(text: bytes) -> bytes:
    """Replace what is not ASCII in JSON text by escapes."""
    return text if text.isascii() else text.decode("utf-8").encode("ascii", _ESCAPE)


def read_json(text: bytes | str, depth: int) -> Json:
    """Parse JSON text.

    Args:
        text: UTF-8 or text.
        depth: The limit to name when the text is nested too deep for the parser itself, which
            happens far beyond any sensible limit; the codec counts exactly while decoding.

    Raises:
        MalformedMessage: It is not JSON.
        LimitExceeded: It is nested too deep.
    """
    try:
        return _read_quickly(text)
    except RecursionError:
        raise too_deep(depth) from None
    except (msgspec.MsgspecError, UnicodeError, ValueError):
        # NaN, lone surrogates and 1e999 are refused above; the standard library reads them.
        return _read_tolerantly(text, depth)


def check_containers(text: bytes | str, limit: int, arrived: int | None = None) -> None:
    """Refuse JSON text that would make very many lists and objects, before it is parsed.

    Args:
        text: JSON.
        limit: How many there may be.
        arrived: Bytes that the text was made of, if the limit depends on them.

    Raises:
        LimitExceeded: There are more than ``limit``.
    """
    if len(text) > limit and count_containers(text) > limit:
        size = "" if arrived is None else f" in {arrived} bytes"
        raise LimitExceeded(f"Message holds more than {limit} lists and objects{size}")


def check_values(value: Json, limit: int, path: str) -> None:
    """Refuse parsed JSON of very many values, before it is decoded.

    Args:
        value: What `read_json` gave.
        limit: How many values there may be in it, lists and objects included; what stands for one
            value, as ``{"_ft": "int", "_fd": 1}`` does, is one.
        path: Where in the message it is, for the text of the error.

    Raises:
        LimitExceeded: There are more than ``limit``.
    """
    left = limit
    containers = [value] if isinstance(value, _CONTAINERS) else []
    while containers:
        container = containers.pop()
        left -= 0 if _is_wrapper(container) else len(container)
        if left < 0:
            raise LimitExceeded(f"More than {limit} values", path)
        items = container.values() if isinstance(container, dict) else container
        containers += [item for item in items if isinstance(item, _CONTAINERS)]


def count_containers(text: bytes | str) -> int:
    """Return how many lists and objects JSON text may make; brackets in strings count, too."""
    if isinstance(text, str):
        return text.count("{") + text.count("[")
    return text.count(b"{") + text.count(b"[")


def too_deep(depth: int) -> LimitExceeded:
    """Return the error for a message with more than ``depth`` levels."""
    return LimitExceeded(f"Message is nested deeper than max_depth ({depth})")


def _is_wrapper(container: Json) -> bool:
    return isinstance(container, dict) and len(container) == _WRAPPER_KEYS and "_ft" in container


def _with_text_keys(value: Json) -> Json:
    """Return the same with plain text as keys: lazy text is equal to it and has passed for it."""
    if isinstance(value, dict):
        return {
            key if isinstance(key, int | float | None) else str(key): _with_text_keys(item)
            for key, item in value.items()
        }
    return [_with_text_keys(item) for item in value] if isinstance(value, list) else value


def _read_tolerantly(text: bytes | str, depth: int) -> Json:
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8", "surrogatepass")
        return json.loads(text)
    except RecursionError:
        raise too_deep(depth) from None
    except ValueError as error:
        raise MalformedMessage("Message is not JSON") from error


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    wide = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass").hex()
    units = (wide[i : i + 4] for i in range(0, len(wide), 4))
    return "".join(f"\\u{unit}" for unit in units), error.end


codecs.register_error(_ESCAPE, _escape)
