"""Keys of a filt that mean nothing: a list that is ordered by ``oder`` is not ordered at all.

Takes the filt of a request for rows, raises an error that names the key which may have been meant.
Clients of released versions are not told, since they put in it what they like.
"""

import difflib
from collections.abc import Collection, Iterable

from django_vortex.exceptions import ValidationError, quoted, with_path
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permissions import AllowAny
from django_vortex.routing.request import Request
from django_vortex.wire.reserved import MESSAGE_ID

_SIMILAR = 0.85
"""Two words as near as this differ by a slip, where the application may have keys of its own."""


def check_keys(
    request: Request, payload_io: PayloadIO, known: Iterable[str], *, may_be_read: bool
) -> None:
    """Look for keys that nothing reads.

    Args:
        request: What a peer asks for.
        payload_io: Where other endpoints are registered, which the same message may be for.
        known: The keys of the handler.
        may_be_read: Whether code of the application sees the filt, and may read further keys; then
            only slips are errors.

    Raises:
        ValidationError: There is one.
    """
    if not request.dialect.is_native or request.is_push:
        return
    expected = {*known, MESSAGE_ID}
    unknown = [key for key in request.filt if key not in expected]
    if not unknown:
        return
    for endpoint in payload_io.find(request.filt, request.peer.name):
        expected.update(endpoint.filt)
    for key in unknown:
        if key not in expected:
            _refuse(key, expected, may_be_read=may_be_read)


def is_of_application(permission: object) -> bool:
    """Return whether a permission may read a filt: one of the application, or a joined one."""
    return type(permission).__module__ != AllowAny.__module__


def _refuse(key: object, expected: Collection[str], *, may_be_read: bool) -> None:
    cutoff = _SIMILAR if may_be_read else 0.6
    near = difflib.get_close_matches(str(key), [str(one) for one in expected], 1, cutoff)
    if may_be_read and not near:
        return
    hint = f". Did you mean {near[0]!r}?" if near else ""
    raise ValidationError(with_path(f"{quoted(key)} means nothing here{hint}", "filt"))
