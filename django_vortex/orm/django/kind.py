"""How the values of one Django field travel: `Kind`.

The Python type on the wire, and the conversions between it and the value of the model.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

Convert: TypeAlias = Callable[[Any], Any]
"""Takes a value that is not None. What makes model values raises Django's `ValidationError`, and
leaves alone what it does not know: hooks and permissions of an application may give expressions."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How the values of one field travel.

    Attributes:
        type: What they are on the wire, None if they may be anything.
        raw: Whether they are plain JSON that travels as it is.
        to_wire: Makes what travels of a model's value, None if that is the same.
        to_model: Makes the model's value of what came, None if that is the same.
        is_read_only: Whether only the application and the database can make such values.
        refusal: Why they cannot travel, nothing if they can.
        is_ordered: Whether databases can order rows by such values.
        is_comparable: Whether what travels of them is something to compare them with.
    """

    type: Any = None
    raw: bool = False
    to_wire: Convert | None = None
    to_model: Convert | None = None
    is_read_only: bool = False
    refusal: str = ""
    is_ordered: bool = True
    is_comparable: bool = True
