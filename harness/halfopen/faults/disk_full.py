"""The fault `disk full`."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.faults._programs import EndpointFault
from halfopen.fields import Bytes
from halfopen.verbs import FillDisk, Verb


class DiskFull(EndpointFault):
    """The disk of a host is full: write(2) and fallocate(2) fail with ENOSPC.

    It is the file system that holds all files of the host's programs: queues, state, output.

    Attributes:
        at: the endpoint whose disk it is.
        free: how much room is left, in pages of memory (4 KiB).
    """

    name = "disk full"
    summary = "the disk of a host is full: writes fail with ENOSPC"
    uses = (FillDisk,)
    touches = ("bytes",)

    free: Bytes = 0

    def verbs(self) -> Sequence[Verb]:
        """Fill it."""
        return (FillDisk(self.at, self.free),)

    def heal(self) -> Sequence[Verb]:
        """Give the space back."""
        return (FillDisk(self.at, None),)
