"""The fault `silent drop`."""

from __future__ import annotations

from halfopen.faults._blocks import BlockFault


class SilentDrop(BlockFault):
    """A middlebox drops packets silently, in one direction or in both.

    New connections fail like existing ones: the path is broken; no flow is forgotten.

    Attributes:
        at: the middlebox.
        towards: the host towards which packets are dropped; in both directions by default.
    """

    name = "silent drop"
    summary = "a middlebox silently drops every packet, in one direction or both"
