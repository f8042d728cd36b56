"""A cable is pulled: the link between two neighbours is down at both ends.

Unlike a silent drop, both neighbours know at once: the interface is down, and packets for it are
refused by the host's own kernel.
"""

from __future__ import annotations

from halfopen.faults._pairs import PairParams
from halfopen.ports import FaultSpec
from halfopen.verbs import SetLink

FAULT = FaultSpec(
    name="cable pulled",
    summary="the link between two neighbours is down at both ends",
    params=PairParams,
    verbs=lambda params: (SetLink(params.between, up=False),),
    heal=lambda params: (SetLink(params.between, up=True),),
    neighbours=lambda params: (params.between,),
)
