"""The answer to a question as it was evaluated: `Answer`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What an evaluation gave.

    Attributes:
        tag: A digest of the content, the same in every process for the same answer.
        tuples: The rows or values, in order.
        is_one: Whether it is a single tuple or value and not a list.
    """

    tag: str
    tuples: Sequence[Any]
    is_one: bool = False
