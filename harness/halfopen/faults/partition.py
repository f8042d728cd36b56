"""The network falls apart: the hosts on one side of a link and those on the other hear nothing.

Nothing crosses the link, neither ICMP nor ARP, but no interface goes down: unlike with a pulled
cable, nobody is told.  Unlike with a silent drop at a middlebox, the middlebox is on one of the
sides, and goes on knowing its flows.
"""

from __future__ import annotations

from halfopen.faults._pairs import PairParams
from halfopen.ports import FaultSpec
from halfopen.verbs import CutLink

FAULT = FaultSpec(
    name="partition",
    summary="nothing crosses the link between two neighbours, and nobody is told",
    params=PairParams,
    verbs=lambda params: (CutLink(params.between, cut=True),),
    heal=lambda params: (CutLink(params.between, cut=False),),
    neighbours=lambda params: (params.between,),
)
