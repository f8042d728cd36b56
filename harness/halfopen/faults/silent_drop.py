"""Packets vanish at a middlebox, in one direction or in both, and nobody is told.

New connections vanish like old ones: it is the path that is broken, not a flow that is forgotten.
"""

from __future__ import annotations

from halfopen.faults._blocks import BlockParams, block_fault

FAULT = block_fault(
    "silent drop",
    "a middlebox drops every packet, in one direction or both, and tells nobody",
    BlockParams,
    manner=lambda _: "drop",
)
