"""The fault `silent drop`."""

from __future__ import annotations

from halfopen.faults._blocks import BlockFault


class SilentDrop(BlockFault):
    """Packets vanish at a middlebox, in one direction or in both, and nobody is told.

    New connections vanish like old ones: the path is broken; no flow is forgotten.

    Attributes:
        at: the middlebox.
        towards: the host towards which packets are dropped; in both directions by default.
    """

    name = "silent drop"
    summary = "a middlebox drops every packet, in one direction or both, and tells nobody"
