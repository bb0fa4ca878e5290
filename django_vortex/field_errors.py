"""The errors of a message by tuple and field: completed, shortened for peers, listed in one text.

An error is a dict with the ``index`` of a tuple (or None), the name of a ``field`` (or "") and a
list of ``messages``; members of the application's own stay as they are.
"""

from collections.abc import Mapping, Sequence, Set
from typing import Any, Final

from django_vortex.quoting import MAX_QUOTED_CHARACTERS, quoted, shortened

MAX_LISTED_ERRORS: Final = 20
"""How many errors a text lists."""

MAX_TOLD_ERRORS: Final = 100
"""How many errors a peer is sent; that there are more stands in the text."""

MAX_TOLD_MESSAGES: Final = 10
"""How many messages each of them has then."""


def complete_error(error: Mapping[str, Any]) -> dict[str, Any]:
    """Return an error with all its members; a single message may stand for a list of one."""
    messages = error.get("messages") or ()
    is_list = isinstance(messages, Sequence | Set) and not isinstance(messages, str)
    texts = messages if is_list else [messages]  # lazy text is iterable, but no Sequence
    return {
        **error,
        "index": error.get("index"),
        "field": str(error.get("field") or ""),
        "messages": [str(text) for text in texts],
    }


def shorten_error(error: Mapping[str, Any]) -> dict[str, Any]:
    """Return a complete error without most of what it repeats of long values."""
    field = shortened(error["field"], MAX_QUOTED_CHARACTERS)
    messages = [shortened(text) for text in error["messages"][:MAX_TOLD_MESSAGES]]
    return {**error, "field": field, "messages": messages}


def list_errors(errors: Sequence[Mapping[str, Any]]) -> str:
    """Return a text of the first complete errors, and how many more there are."""
    lines = [_error_line(error) for error in errors[:MAX_LISTED_ERRORS]]
    left = len(errors) - len(lines)
    return "; ".join([*lines, f"and {left} more"] if left else lines)


def _error_line(error: Mapping[str, Any]) -> str:
    index, field = error.get("index"), error.get("field")
    places = [] if index is None else [f"tuple {index}"]
    places += [f"field {quoted(field)}"] if field else []
    text = shortened(" ".join(map(str, error["messages"])))
    place = ", ".join(places)
    return f"{place[:1].upper()}{place[1:]}: {text}" if place else text
