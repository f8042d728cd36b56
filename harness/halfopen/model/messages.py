"""What the messages of a scenario look like, beside the identity that each of them has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NOT_READ_S: Final = 5.0
"""Lab seconds in which a program takes nothing of what is fed to it, until that is noticed."""


@dataclass(frozen=True)
class MessageShape:
    """What is the same for all messages of one step.

    Attributes:
        severity: 0 (emergency) to 7 (debug), as RFC 5424 (6.2.1) counts them.
        size: bytes of a message, without its line feed.
    """

    severity: int = 6
    size: int = 200


def feeding_s(count: int, every: float) -> float:
    """Seconds that so many messages may take to be written, without the program seeming stuck."""
    return count * (every + NOT_READ_S)


DEFAULT = MessageShape()
"""Of a step that says nothing of it."""
