"""Real servers, of this tree and of the previous version: see `tests.support.fixtures`."""

from tests.support.fixtures import *  # noqa: F403
