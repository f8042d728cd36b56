"""The disk of a host is full: write(2) and fallocate(2) fail with ENOSPC.

It is the file system that holds all files of the host's programs: queues, state, output.
"""

from __future__ import annotations

from halfopen.faults._program import ProgramParams, endpoint_fault
from halfopen.faults._quantities import Octets
from halfopen.verbs import FillDisk


class DiskFullParams(ProgramParams):
    """Parameters of `disk full`.

    Attributes:
        at: the endpoint whose disk it is.
        free: how much the disk still takes, in pages of memory (4 KiB).
    """

    free: Octets = 0


FAULT = endpoint_fault(
    "disk full",
    "the disk of a host takes nothing more: writes fail with ENOSPC",
    DiskFullParams,
    verbs=lambda params: (FillDisk(params.at, params.free),),
    heal=lambda params: (FillDisk(params.at, None),),
)
