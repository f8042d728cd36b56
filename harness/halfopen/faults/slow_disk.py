"""The fault `slow disk`."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.faults._programs import EndpointFault
from halfopen.fields import RealTime
from halfopen.verbs import SlowDisk as SlowDiskVerb
from halfopen.verbs import Verb


class SlowDisk(EndpointFault):
    """The disk of a host is slow: every write, every sync, every change of a directory waits.

    Like a disk whose write-back cache is full, or a volume that has used up its I/O credits.

    Attributes:
        at: the endpoint whose disk it is.
        by: how much longer each write and sync takes; real time, which no scale divides.
    """

    name = "slow disk"
    summary = "every write and sync on the disk of a host takes longer"
    uses = (SlowDiskVerb,)
    touches = ("calls",)

    by: RealTime

    def verbs(self) -> Sequence[Verb]:
        """Slow."""
        return (SlowDiskVerb(self.at, self.by),)

    def heal(self) -> Sequence[Verb]:
        """As fast as before."""
        return (SlowDiskVerb(self.at, 0.0),)
