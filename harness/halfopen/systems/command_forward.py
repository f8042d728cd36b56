"""The system `command forward`."""

from __future__ import annotations

from halfopen.systems._command import Command


class CommandForward(Command):
    """Any proxy, between the two ends of a path."""

    name = "command forward"
    summary = "any proxy, between the two ends of a path"
    role = "proxy"
