"""The disk of a host becomes read-only, as ext4 makes it after an error (`errors=remount-ro`).

Every change fails with EROFS, also in files that are open for writing; reading goes on.
"""

from __future__ import annotations

from halfopen.faults._program import ProgramParams, endpoint_fault
from halfopen.verbs import ProtectDisk

FAULT = endpoint_fault(
    "read-only disk",
    "the disk of a host becomes read-only while files on it are open",
    ProgramParams,
    verbs=lambda params: (ProtectDisk(params.at, read_only=True),),
    heal=lambda params: (ProtectDisk(params.at, read_only=False),),
)
