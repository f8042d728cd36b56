"""A program gets no more memory: malloc(3) and mmap(2) fail with ENOMEM.

What counts is its private writable memory, RLIMIT_DATA (setrlimit(2); since Linux 4.7 private
mappings too): heap and anonymous memory, not the program's text and shared libraries.  What it has
it keeps.  This is a limit of a process, not of a cgroup: nobody is killed for it.
"""

from __future__ import annotations

from pydantic import Field

from halfopen.faults._program import ProgramParams, endpoint_fault
from halfopen.faults._quantities import Octets
from halfopen.verbs import LimitMemory


class MemoryLimitParams(ProgramParams):
    """Parameters of `memory limit`.

    Attributes:
        at: the endpoint that the program runs on.
        limit: of private writable memory.
    """

    limit: Octets = Field(ge=4096)


FAULT = endpoint_fault(
    "memory limit",
    "a program gets no memory above a limit (soft RLIMIT_DATA); what it has it keeps",
    MemoryLimitParams,
    verbs=lambda params: (LimitMemory(params.at, params.limit),),
    heal=lambda params: (LimitMemory(params.at, None),),
)
