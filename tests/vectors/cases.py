"""The golden vectors as cases of tests, and the listed exceptions to them.

Takes the cases that a test makes of vector files, gives the test of one. A case that we answer
differently on purpose stands in ``exceptions.json`` with what we do instead; it fails as soon as
that is not needed or not true any more.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from django_vortex.wire.payload import Payload
from tests.vectors.notation import Simple, build, load

FILE_OF_VERSION = {
    "2.4.3": "vortexpy-2.4.3.json",
    "3.4.7": "vortexpy-6.2.2.json",
    "6.2.2": "vortexpy-6.2.2.json",
}
"""Where the inputs of what VortexJS read of VortexPY stand; 3.4.7 has no file of its own."""

Key: TypeAlias = tuple[str, str, str, str]


@dataclass(frozen=True)
class Case:
    """One vector in one direction."""

    file: str
    section: str
    id: str
    direction: str
    gives: Callable[[], str]
    """Gives what we make of it, or the error, as text."""
    agrees: Callable[[], bool]
    """Whether that is what the released library made of it."""

    @property
    def key(self) -> Key:
        return self.file, self.section, self.id, self.direction


class Cases:
    """Cases with the exceptions that are listed for their sections.

    Attributes:
        by_key: The cases.
    """

    def __init__(self, cases: Iterable[Case]) -> None:
        self.by_key = {case.key: case for case in cases}
        sections = {key[:2] for key in self.by_key}
        self._entries = [
            entry
            for entry in load("exceptions.json")
            if (entry["file"], entry["section"]) in sections
        ]
        self._entry_by_key = {_key_of(entry): entry for entry in self._entries}

    def check(self, key: Key) -> None:
        """Fail unless a case is met, or is the exception that is listed."""
        case = self.by_key[key]
        entry = self._entry_by_key.get(key)
        if entry is None:
            assert case.agrees(), case.gives()
        else:
            assert not case.agrees(), "this exception is not needed"
            assert case.gives() == entry["gives"]

    def check_exceptions(self) -> None:
        """Fail unless every exception names one case and its section of the protocol."""
        assert len(self._entry_by_key) == len(self._entries)
        assert self._entry_by_key.keys() <= self.by_key.keys()
        for entry in self._entries:
            assert entry["protocol"].replace(".", "").isdigit()
            assert entry["instead"]


def build_payload(vector: Any) -> Payload:
    """Return the payload that a Python vector was made from."""
    tuples = vector["tuples"]
    if isinstance(tuples, str):  # the file describes them in words
        rows = [Simple(a=number, b=f"row {number}") for number in range(1000)]
    else:
        rows = [build(note) for note in tuples]
    return Payload(build(vector["filt"]), rows, build(vector["date"]))


def _key_of(entry: Any) -> Key:
    return entry["file"], entry["section"], entry["id"], entry["direction"]
