"""A middlebox refuses packets and says so, as a firewall with a reject rule does."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from halfopen.faults._blocks import BlockParams, block_fault
from halfopen.verbs import Manner


class RejectParams(BlockParams):
    """Parameters of `reject`.

    Attributes:
        at: the middlebox.
        towards: the host towards which packets are refused; in both directions by default.
        with_: what the sender of a packet gets: `reset` (RST, RFC 9293) or `host unreachable`
            (ICMP type 3 code 1, RFC 792).
    """

    with_: Literal["reset", "host unreachable"] = Field(default="reset", alias="with")


def _manner(params: RejectParams) -> Manner:
    return "reset" if params.with_ == "reset" else "unreachable"


FAULT = block_fault(
    "reject",
    "a middlebox answers every packet with RST, or with ICMP host unreachable",
    RejectParams,
    manner=_manner,
)
