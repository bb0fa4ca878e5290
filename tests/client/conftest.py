"""Real server processes for the tests of the Python client: see `tests.support.fixtures`."""

from tests.support.fixtures import *  # noqa: F403
