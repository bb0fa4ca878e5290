"""What a peer of our own dialect is told of an error."""

from typing import Any


def text_of(result: Any) -> str:
    """Return the text of an error, whichever form it has; fail if it is none."""
    text = result["text"] if isinstance(result, dict) else result
    assert isinstance(text, str)
    return text
