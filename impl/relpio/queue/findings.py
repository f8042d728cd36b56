"""What was found wrong with a queue on disk, and where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

__all__ = ["Finding", "Report", "show_runs"]


class Finding(NamedTuple):
    """One thing that is not as it was written.

    Attributes:
        file: name in the queue's directory.
        byte: where in the file; None for the file as a whole.
        problem: what is wrong, and what is done about it.
        lost: first and last number of each run of messages that are gone by it.
    """

    file: str
    byte: int | None
    problem: str
    lost: Sequence[tuple[int, int]] = ()

    @property
    def gone(self) -> int:
        """Messages that are gone by it."""
        return sum(last - first + 1 for first, last in self.lost)

    def __str__(self) -> str:
        """Say it in a line."""
        place = self.file if self.byte is None else f"{self.file}, byte {self.byte}"
        lost = f"; lost: messages {show_runs(self.lost)}" if self.lost else ""
        return f"{place}: {self.problem}{lost}"


Report = Callable[[Finding], None]
"""Takes findings, each when it is made."""


def show_runs(runs: Sequence[tuple[int, int]]) -> str:
    """Write runs as `5-9, 12`."""
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs)
