"""Somebody listens in the place of a program, and does what nobody should.

The program is ended in order; a program of ours listens on the same TCP ports until the fault is
healed, then the real one is started again.  Nothing that the naive one takes is acknowledged, so a
sender that keeps what it was not told to be safe loses nothing.
"""

from __future__ import annotations

from halfopen.faults._program import ProgramParams, endpoint_fault
from halfopen.verbs import Behaviour, BringBack, StandIn


class NaiveReceiverParams(ProgramParams):
    """Parameters of `naive receiver`.

    Attributes:
        at: the endpoint whose program is replaced; it must listen on TCP.
        does: `never answers`: accepts, reads, and says nothing, not even to `open`;
            `acknowledges nothing`: opens sessions, and answers no message; `answers 500`: opens
            sessions, and refuses every message; `closes at once`: whatever it accepts;
            `reads slowly`: opens sessions, reads a few octets a second, and answers nothing more;
            `sends garbage`: octets that are no RELP, to whoever speaks.
    """

    does: Behaviour


FAULT = endpoint_fault(
    "naive receiver",
    "a program that never answers, refuses, hangs up or talks nonsense listens in its place",
    NaiveReceiverParams,
    verbs=lambda params: (StandIn(params.at, params.does),),
    heal=lambda params: (BringBack(params.at),),
)
