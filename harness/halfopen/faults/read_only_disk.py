"""The fault `read-only disk`."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.faults._programs import EndpointFault
from halfopen.verbs import SetDiskReadOnly, Verb


class ReadOnlyDisk(EndpointFault):
    """The disk of a host becomes read-only, as ext4 makes it after an error (`errors=remount-ro`).

    Every change fails with EROFS, also in files that are open for writing; reading goes on.

    Attributes:
        at: the endpoint whose disk it is.
    """

    name = "read-only disk"
    summary = "the disk of a host becomes read-only while files on it are open"
    uses = (SetDiskReadOnly,)
    touches = ("calls",)

    def verbs(self) -> Sequence[Verb]:
        """Read-only."""
        return (SetDiskReadOnly(self.at, read_only=True),)

    def heal(self) -> Sequence[Verb]:
        """Writable again."""
        return (SetDiskReadOnly(self.at, read_only=False),)
