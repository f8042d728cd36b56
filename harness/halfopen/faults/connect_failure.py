"""New connections do not come about, and known ones go on.

They are refused, as by a host on which nobody listens (RST); they are answered with ICMP, as by a
router that cannot reach the host; or they time out, as behind a firewall that drops.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from halfopen.faults._blocks import BlockParams, block_fault
from halfopen.verbs import Manner

_MANNERS: dict[str, Manner] = {
    "reset": "reset",
    "host unreachable": "unreachable",
    "time-out": "drop",
}


class ConnectFailureParams(BlockParams):
    """Parameters of `connect failure`.

    Attributes:
        at: the middlebox.
        towards: the host to which nobody can connect; nobody can to anyone by default.
        with_: what the client gets: `reset` (ECONNREFUSED), `host unreachable` (EHOSTUNREACH) or
            `time-out` (nothing, ETIMEDOUT after its repetitions).
    """

    with_: Literal["reset", "host unreachable", "time-out"] = Field(default="reset", alias="with")


FAULT = block_fault(
    "connect failure",
    "new connections are refused, unreachable or time out; known ones go on",
    ConnectFailureParams,
    manner=lambda params: _MANNERS[params.with_],
    only_new=True,
)
