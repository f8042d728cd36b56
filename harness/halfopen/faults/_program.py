"""What the faults share that signal the program on an endpoint."""

from __future__ import annotations

from collections.abc import Callable

from halfopen.fields import Section
from halfopen.ports import FaultSpec
from halfopen.verbs import SignalProgram


class ProgramParams(Section):
    """Parameters of a fault of a program.

    Attributes:
        at: the endpoint that the program runs on.
    """

    at: str


def program_fault(name: str, summary: str, signal: str) -> FaultSpec:
    """A fault that sends the program on a host one signal."""

    def verbs(params: ProgramParams) -> tuple[SignalProgram, ...]:
        return (SignalProgram(host=params.at, signal=signal),)

    endpoints: Callable[[ProgramParams], tuple[str, ...]] = lambda params: (params.at,)  # noqa: E731
    return FaultSpec(
        name=name, summary=summary, params=ProgramParams, verbs=verbs, endpoints=endpoints
    )
