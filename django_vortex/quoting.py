"""Quote foreign values in texts: short, with bounded effort, without internals of their classes.

Takes any value, gives one line. What comes from peers may be large, and an instance in it may be of
a class of the application, whose ``repr`` may name modules, ask a database, or fail.
"""

import difflib
import enum
import sys
from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

MAX_QUOTED_CHARACTERS: Final = 80
"""How much of a foreign value an error text repeats."""

MAX_MESSAGE_CHARACTERS: Final = 300
"""How much of a message, which may repeat foreign values, a text or a log repeats."""

_BRACKETS: Final[dict[type, tuple[str, str]]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
    dict: ("{", "}"),
}


def quoted(value: object) -> str:
    """Return the ``repr`` of a value, cut at `MAX_QUOTED_CHARACTERS`.

    Of an instance, also inside of something, it is the name of the class. Not more is looked at
    than is shown.
    """
    try:
        text = _quote(value, MAX_QUOTED_CHARACTERS)
    except Exception:  # of any class, and of an int with more digits than Python writes
        return f"<{type(value).__qualname__}>"
    return shortened(text, MAX_QUOTED_CHARACTERS)


def shortened(text: str, length: int = MAX_MESSAGE_CHARACTERS) -> str:
    """Return a text, cut at a length."""
    return text if len(text) <= length else text[: length - 1] + "…"


def with_path(text: str, path: str) -> str:
    """Return a text that ends with the place it is about; ``$``, all of it, is left out."""
    return text if path == "$" else f"{text} - at `{path}`"


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return ``. Did you mean 'name'?`` for a name that is nearly a known one, else nothing."""
    near = difflib.get_close_matches(str(name)[:MAX_QUOTED_CHARACTERS], list(known), n=1)
    return f". Did you mean {near[0]!r}?" if near else ""


def _quote(value: Any, room: int) -> str:
    """Quote a value, somewhat longer than the room if it does not fit."""
    kind = type(value)
    if kind in (str, bytes, bytearray):
        return repr(value[: room + 1])
    if kind in _BRACKETS:
        return _quote_items(value, kind, room)
    if issubclass(kind, type | enum.Enum) or callable(getattr(kind, "__get__", None)):
        return repr(value)  # classes, functions, members
    if kind.__module__.partition(".")[0] in sys.stdlib_module_names:
        return repr(value)
    return f"{kind.__qualname__}(…)"


def _quote_items(value: Any, kind: type, room: int) -> str:
    if not value:
        return repr(value)
    start, end = _BRACKETS[kind]
    parts: list[str] = []
    left = room - len(start)
    for item in islice(value.items() if kind is dict else value, room):
        if left <= 0:
            break
        if kind is dict:
            key = _quote(item[0], left)
            parts.append(f"{key}: {_quote(item[1], max(left - len(key), 0))}")
        else:
            parts.append(_quote(item, left))
        left -= len(parts[-1]) + 2
    whole = ", ".join(parts)
    if kind is tuple and len(value) == 1:
        whole += ","
    return f"{start}{whole}{end}" if len(parts) == len(value) else f"{start}{whole}, {'…' * room}"
