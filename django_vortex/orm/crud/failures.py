"""What failures of a database mean to the peer of a request, which cannot see them coming.

Takes what a store has raised, gives the error for the peer; the cause goes to the log.
"""

from django_vortex.exceptions import TryAgain, UnknownOutcome, ValidationError, VortexError
from django_vortex.handlers.base import BaseHandler
from django_vortex.logs import get_limited_logger
from django_vortex.orm.crud.refusals import REFUSED
from django_vortex.orm.store import RefusedByDatabase

logger = get_limited_logger(__name__)


def explain_failure(
    handler: BaseHandler, error: RefusedByDatabase | TryAgain | UnknownOutcome
) -> VortexError:
    """Return the error that the peer is told."""
    if isinstance(error, RefusedByDatabase):  # a value to filter by
        return ValidationError(error.text or REFUSED)
    if isinstance(error, TryAgain):
        logger.warning(f"{handler!r} could not ask its database", exc_info=error)
        return error
    reference = handler.payload_io.make_reference()
    logger.error("%r lost its database at a commit (ref %s)", handler, reference, exc_info=error)
    return UnknownOutcome(reference)
