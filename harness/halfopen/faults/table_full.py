"""The table of a middlebox is full: known flows go on, new ones do not get in.

Linux says "nf_conntrack: table full, dropping packet" then; a connection attempt times out.
"""

from __future__ import annotations

from halfopen.fields import Section
from halfopen.ports import FaultSpec
from halfopen.verbs import Block, Unblock

_NAME = "table full"


class TableFullParams(Section):
    """Parameters of `table full`.

    Attributes:
        at: the middlebox.
    """

    at: str


FAULT = FaultSpec(
    name=_NAME,
    summary="a middlebox lets known flows go on and silently drops what would begin a new one",
    params=TableFullParams,
    verbs=lambda params: (Block(params.at, _NAME, only_new=True),),
    heal=lambda params: (Unblock(params.at, _NAME),),
    middleboxes=lambda params: (params.at,),
)
