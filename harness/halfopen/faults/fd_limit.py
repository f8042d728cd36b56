"""A program may open no more file descriptors: accept(2) and open(2) fail with EMFILE."""

from __future__ import annotations

from pydantic import Field

from halfopen.fields import Section
from halfopen.ports import FaultSpec
from halfopen.verbs import LimitFds


class FdLimitParams(Section):
    """Parameters of `fd limit`.

    Attributes:
        at: the endpoint that the program runs on.
        limit: descriptors that may be open; what is open already stays open.
    """

    at: str
    limit: int = Field(ge=1, le=1_000_000)


FAULT = FaultSpec(
    name="fd limit",
    summary="a program gets no more file descriptors than a limit (soft RLIMIT_NOFILE)",
    params=FdLimitParams,
    verbs=lambda params: (LimitFds(params.at, params.limit),),
    heal=lambda params: (LimitFds(params.at, None),),
    endpoints=lambda params: (params.at,),
)
