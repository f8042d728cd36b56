"""A part of the packets is lost, each by chance, independently of the others."""

from __future__ import annotations

from halfopen.faults._blocks import BlockParams, block_fault
from halfopen.fields import Share


class LossParams(BlockParams):
    """Parameters of `loss`.

    Attributes:
        at: the middlebox.
        towards: the host towards which packets are lost; in both directions by default.
        share: of the packets, to a thousandth.
    """

    share: Share


FAULT = block_fault(
    "loss",
    "a middlebox loses a part of the packets, each by chance",
    LossParams,
    manner=lambda _: "drop",
    share=lambda params: float(params.share),
)
