"""The version in which our own ends, and the processes of a server, speak: one number for both.

Takes nothing, gives constants. The number grows by one when what travels changes, be it the native
dialect or the records between processes. Versions that follow one another work together, since a
deployment replaces one process after another: each reads what the one before writes, and writes
what the one before reads.
"""

from typing import Final

VERSION: Final = 2
"""What is written here."""

UNNUMBERED_VERSION: Final = 1
"""The version of what carries no number."""

OLDEST_VERSION: Final = VERSION - 1
"""The oldest that is served; what is older has to be updated."""
