"""Values between a test and a process with an original in it: plain JSON with a few marks.

What JSON has stands for itself (an int stays apart from a float). Everything else is an object
with one key that begins with ``$``.
"""

import base64
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Callable, Mapping, Optional

TIMED_OUT = "timed out"
"""The failure of a request that nobody answered."""


@dataclass(frozen=True)
class Record:
    """A tuple object as the other end sees it.

    Attributes:
        type_name: Its tuple type.
        fields: What it carries, by name.
        class_name: The class that the other end built; not compared.
    """

    type_name: str
    fields: Mapping[str, Any]
    class_name: str = field(default="", compare=False)


def to_notation(
    value: Any, describe: Callable[[Any], Optional[Record]] = lambda value: None
) -> Any:
    """Write a value down; `describe` turns the objects of a library into records."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return {"$datetime": value.isoformat()}
    if isinstance(value, (list, tuple)):
        return [to_notation(item, describe) for item in value]
    if isinstance(value, dict):
        pairs = [
            [to_notation(key, describe), to_notation(item, describe)] for key, item in value.items()
        ]
        return {"$dict": pairs}
    record = value if isinstance(value, Record) else describe(value)
    if record is None:
        return {"$unknown": repr(value)}
    fields = to_notation(dict(record.fields), describe)
    return {"$record": [record.type_name, fields, record.class_name]}


def from_notation(value: Any, build: Callable[[Record], Any] = lambda record: record) -> Any:
    """Read what `to_notation` wrote; `build` turns records into objects of a library."""
    if isinstance(value, list):
        return [from_notation(item, build) for item in value]
    if not isinstance(value, dict):
        return value
    ((mark, content),) = value.items()
    if mark == "$bytes":
        return base64.b64decode(content)
    if mark == "$datetime":
        return datetime.fromisoformat(content)
    if mark == "$dict":
        return {from_notation(key, build): from_notation(item, build) for key, item in content}
    if mark == "$record":
        type_name, fields, class_name = content
        return build(Record(type_name, from_notation(fields, build), class_name))
    raise ValueError(f"{mark} stands for nothing: {content!r}")
