"""The command `relpio send`: its options, its help, and what runs it."""

from __future__ import annotations

import dataclasses

from relpio.command import input_options, queue_options, send_options
from relpio.command.common_options import LOG_OPTIONS, TCP_OPTIONS, TLS_OPTIONS
from relpio.command.metrics_options import METRICS_OPTIONS
from relpio.command.notes import SEND_NOTES
from relpio.command.options import Option
from relpio.command.parser import Command
from relpio.command.send import check_send, send
from relpio.command.values import text

__all__ = ["COMMAND"]

_FILES = Option(
    "files", "", text, None, "FILE", "files to send; - is standard input (default)",
    many=True, positional=True,
)  # fmt: skip


def _briefly(option: Option) -> Option:
    """Leave out of the help what it says already: both queues have the same parameters."""
    if option.group != "main queue":
        return option
    if option.name == "main-queue-type":
        more = "; every parameter of the queue also exists as --main-queue-..."
        return dataclasses.replace(option, help=option.help + more)
    return dataclasses.replace(option, shown=False)


COMMAND = Command(
    name="send",
    help="send lines of files or of standard input",
    description="Send each line of the FILEs, or of standard input, as a RELP message.",
    notes=SEND_NOTES,
    options=(
        _FILES,
        *send_options.OPTIONS,
        *LOG_OPTIONS,
        *TCP_OPTIONS,
        *TLS_OPTIONS,
        *input_options.OPTIONS,
        *map(_briefly, queue_options.OPTIONS),
        *METRICS_OPTIONS,
    ),
    run=send,
    check=check_send,
)
