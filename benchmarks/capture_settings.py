"""The settings of `benchmarks.settings`, of a project that captures nothing by itself."""

from benchmarks.settings import *  # noqa: F403
from benchmarks.settings import VORTEX as _VORTEX

VORTEX = {**_VORTEX, "LIVE": False}
