"""What the faults share that are about the program on an endpoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from halfopen.fields import Section
from halfopen.ports import FaultSpec, no_verbs
from halfopen.verbs import SignalProgram, Verb


class ProgramParams(Section):
    """Parameters of a fault of a program.

    Attributes:
        at: the endpoint that the program runs on.
    """

    at: str


def endpoint_fault(
    name: str,
    summary: str,
    params: type[ProgramParams],
    verbs: Callable[[Any], Sequence[Verb]],
    heal: Callable[[Any], Sequence[Verb]] = no_verbs,
) -> FaultSpec:
    """A fault of what is on one endpoint."""
    return FaultSpec(
        name=name,
        summary=summary,
        params=params,
        verbs=verbs,
        heal=heal,
        endpoints=lambda given: (given.at,),
    )


def program_fault(name: str, summary: str, signal: str) -> FaultSpec:
    """A fault that sends the program on a host one signal."""

    def verbs(params: ProgramParams) -> tuple[SignalProgram, ...]:
        return (SignalProgram(host=params.at, signal=signal),)

    return endpoint_fault(name, summary, ProgramParams, verbs)
