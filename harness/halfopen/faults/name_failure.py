"""A host cannot look up names, or is told a wrong address.

Every endpoint has a resolver of its own; its programs find the other hosts under their names in
the scenario (`receiver`, and `receiver.test`, RFC 6761).  It is this resolver that fails.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from halfopen.faults._program import ProgramParams, endpoint_fault
from halfopen.verbs import AnswerNames


class NameFailureParams(ProgramParams):
    """Parameters of `name failure`.

    Attributes:
        at: the endpoint that looks names up.
        with_: `refused` (RCODE 5), `no such name` (RCODE 3, NXDOMAIN; both RFC 1035), `silent`: no
            answer; `wrong address`: that of a machine which is not there, as in a stale entry.
    """

    with_: Literal["refused", "no such name", "silent", "wrong address"] = Field(
        default="silent", alias="with"
    )


FAULT = endpoint_fault(
    "name failure",
    "a host's resolver refuses, denies, says nothing, or tells a wrong address",
    NameFailureParams,
    verbs=lambda params: (AnswerNames(params.at, params.with_),),
    heal=lambda params: (AnswerNames(params.at, "right"),),
)
