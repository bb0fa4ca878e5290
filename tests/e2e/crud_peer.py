"""A peer that edits rows: requests with tuples, and their replies."""

import base64
import itertools
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.e2e.peers import ReadingPeer

MESSAGE_ID = "PayloadResponse.messageId"

Row = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """A reply or a push, without the wrappers of its values."""

    filt: dict[str, Any]
    result: Any
    tuples: list[Any]


class CrudPeer(ReadingPeer):
    """A `ReadingPeer` that takes payloads apart and knows its replies by their message id."""

    def __init__(self, transport: str, port: int, uuid: str, *, cookie: str = "") -> None:
        self._numbers = itertools.count(1)
        self.uuid = uuid
        super().__init__(transport, port, uuid, headers={"Cookie": cookie} if cookie else None)

    def request(self, filt: Row, tuples: Sequence[Row] = ()) -> Answer:
        """Send and wait for the reply."""
        number = f"request {next(self._numbers)}"
        payload = {"_ct": "rp", "filt": {}, "tuples": list(tuples), "date": None}
        data = base64.b64encode(zlib.compress(json.dumps(payload).encode())).decode()
        self.send({"filt": {**filt, MESSAGE_ID: number}, "data": data if tuples else None})
        for answer in self._answers():
            if answer.filt.get(MESSAGE_ID) == number:
                return answer
        raise AssertionError("The stream ended before the reply")

    def _answers(self) -> Iterator[Answer]:
        for message in self.messages():
            if message is not None:
                data = message["data"]
                payload = json.loads(zlib.decompress(base64.b64decode(data))) if data else {}
                result = unwrap(message["result"])
                yield Answer(unwrap(message["filt"]), result, unwrap(payload.get("tuples", [])))


def make_tuple(name: str, /, **fields: Any) -> Row:
    """Make a tuple that carries these fields only."""
    return {"_ct": "rt", "_c": name, **fields}


def date(text: str) -> Row:
    """Make a date as the native dialect writes it."""
    return {"_ft": "date", "_fd": text}


def unwrap(value: Any) -> Any:
    """Return the data of wrapped values, an integer or the text of a date."""
    if isinstance(value, list):
        return [unwrap(one) for one in value]
    if not isinstance(value, dict):
        return value
    return value["_fd"] if "_ft" in value else {key: unwrap(one) for key, one in value.items()}
