"""A program no longer accepts, and its listen backlog is full: new connections time out.

The program is frozen and its accept queues are filled with connections from its own host.  The
kernel then drops each SYN (listen(2); `tcp_abort_on_overflow` in ip-sysctl.rst), so that a client
sees neither a refusal nor an answer.
"""

from __future__ import annotations

from halfopen.faults._program import ProgramParams, endpoint_fault
from halfopen.verbs import DrainBacklog, FillBacklog

FAULT = endpoint_fault(
    "backlog full",
    "a program accepts nothing more and its listen backlog is full: connection attempts time out",
    ProgramParams,
    verbs=lambda params: (FillBacklog(params.at),),
    heal=lambda params: (DrainBacklog(params.at),),
)
