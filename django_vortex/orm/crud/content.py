"""Whether what a peer would get is what it has already.

Takes the tuples of an answer, gives a short text of bytes that is the same for the same tuples. Who
is sent the same again after a change of what it may not see would know that there was one.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from django_vortex.exceptions import DefinitionError
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.payload import Payload


def digest(tuples: Sequence[Any], codec: Codec) -> bytes | None:
    """Return what stands for the content of tuples, None for such as cannot travel."""
    try:
        encoded = codec.encode_payload(Payload({}, tuples), Dialect.NATIVE)
    except DefinitionError:
        return None
    return hashlib.blake2b(encoded.text, digest_size=16).digest()
