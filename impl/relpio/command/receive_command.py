"""The command `relpio receive`: its options, its help, and what runs it."""

from __future__ import annotations

from relpio.command import receive_options
from relpio.command.common_options import LOG_OPTIONS, TCP_OPTIONS, TLS_OPTIONS
from relpio.command.notes import RECEIVE_NOTES
from relpio.command.parser import Command
from relpio.command.receive import check_receive, receive

__all__ = ["COMMAND"]

COMMAND = Command(
    name="receive",
    help="receive messages and write them to a file",
    description="Receive RELP messages and write them to a file or to standard output.",
    notes=RECEIVE_NOTES,
    options=(*receive_options.OPTIONS, *LOG_OPTIONS, *TCP_OPTIONS, *TLS_OPTIONS),
    run=receive,
    check=check_receive,
)
