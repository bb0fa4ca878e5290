"""A message that the peer of a test has received: `Received`."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django_vortex.typedefs import Filt
from django_vortex.wire.codec import Codec
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload


class Received:
    """A reply or a push, decoded as a peer of our own does."""

    def __init__(self, envelope: PayloadEnvelope, codec: Codec) -> None:
        self.envelope = envelope
        self._codec = codec

    @property
    def filt(self) -> Filt:
        """The filt; that of a reply is the complete filt of the request."""
        return self.envelope.filt

    @property
    def result(self) -> Any:
        """None or True for success, otherwise what the peer is told went wrong."""
        return self.envelope.result

    @property
    def error(self) -> str:
        """What kind of error it is, as ``"permission"``; "" for success."""
        result = self.result
        if result in (None, True):
            return ""
        return str(result["error"]) if isinstance(result, Mapping) else "refused"

    @property
    def text(self) -> str:
        """The text of the error, "" for success."""
        result = self.result
        if result in (None, True):
            return ""
        return str(result["text"] if isinstance(result, Mapping) else result)

    @cached_property
    def payload(self) -> Payload:
        """The payload, an empty one if none came."""
        return self.envelope.decode_payload(self._codec)

    @property
    def tuples(self) -> list[Any]:
        """The tuples of the payload, rebuilt as the classes they are registered for."""
        tuples: list[Any] = self.payload.tuples
        return tuples

    def __repr__(self) -> str:
        if self.result not in (None, True):
            return f"<Received {self.filt!r} {self.error}: {self.text!r}>"
        return f"<Received {self.filt!r} {len(self.tuples)} tuples>"
