"""The disk of a host is slow: every write, every sync, every change of a directory waits.

So is a disk whose write-back cache is full, or a volume that has used up its I/O credits.
"""

from __future__ import annotations

from halfopen.faults._program import ProgramParams, endpoint_fault
from halfopen.faults._quantities import RealTime
from halfopen.verbs import SlowDisk


class SlowDiskParams(ProgramParams):
    """Parameters of `slow disk`.

    Attributes:
        at: the endpoint whose disk it is.
        by: how much longer each write and sync takes; real time, which no scale divides.
    """

    by: RealTime


FAULT = endpoint_fault(
    "slow disk",
    "every write and sync on the disk of a host takes longer",
    SlowDiskParams,
    verbs=lambda params: (SlowDisk(params.at, params.by),),
    heal=lambda params: (SlowDisk(params.at, 0.0),),
)
