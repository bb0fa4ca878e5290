"""What is closed at the end of a ``with`` statement."""

from typing import Self


class Closing:
    """Has a `close`, which leaving a ``with`` statement calls."""

    def close(self) -> None:
        """Give back what is held."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
