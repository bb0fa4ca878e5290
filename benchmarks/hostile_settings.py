"""The settings of the measured servers with heart-beats so frequent that few seconds show much."""

from benchmarks.settings import *  # noqa: F403
from benchmarks.settings import VORTEX as _VORTEX

VORTEX = {**_VORTEX, "HEARTBEAT_SECONDS": 0.5}
