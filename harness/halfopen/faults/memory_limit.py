"""The fault `memory limit`."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from halfopen.faults._programs import EndpointFault
from halfopen.fields import Bytes
from halfopen.verbs import LimitMemory, Verb


class MemoryLimit(EndpointFault):
    """A program cannot allocate more memory: malloc(3) and mmap(2) fail with ENOMEM.

    What counts is its private writable memory, RLIMIT_DATA (setrlimit(2); since Linux 4.7 private
    mappings too): heap and anonymous memory, not the program's text and shared libraries.  It keeps
    the memory it has.  This is a limit of a process, not of a cgroup: nothing is killed.

    The kernel counts no allocation that fails. What the fault touched is the memory that the
    program had (VmData) when it was at the limit: less than 1 MiB below it, or than a sixteenth of
    a larger limit.  A limit that it never comes to has no effect; whether it asked for more memory
    there is not known.

    Attributes:
        at: the endpoint that the program runs on.
        limit: of private writable memory.
    """

    name = "memory limit"
    summary = "a program cannot allocate memory beyond a limit (soft RLIMIT_DATA)"
    uses = (LimitMemory,)
    touches = ("bytes",)

    limit: Bytes = Field(ge=4096)

    def verbs(self) -> Sequence[Verb]:
        """Set the limit."""
        return (LimitMemory(self.at, self.limit),)

    def heal(self) -> Sequence[Verb]:
        """Set the limit from before."""
        return (LimitMemory(self.at, None),)
