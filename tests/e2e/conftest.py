"""Real server processes for the tests of this folder: see `tests.support.fixtures`."""

from tests.support.fixtures import *  # noqa: F403
