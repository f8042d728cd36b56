"""What the messages of a scenario look like, beside the identity that each of them has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MessageShape:
    """What is the same for all messages of one step.

    Attributes:
        severity: 0 (emergency) to 7 (debug), as RFC 5424 (6.2.1) counts them.
        size: octets of a message, without its line feed.
    """

    severity: int = 6
    size: int = 200


DEFAULT = MessageShape()
"""Of a step that says nothing of it."""
