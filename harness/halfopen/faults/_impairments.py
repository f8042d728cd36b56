"""What the faults share that make a path worse than it should be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from halfopen.fields import Section
from halfopen.ports import FaultSpec
from halfopen.verbs import Impair, Unimpair


class ImpairParams(Section):
    """Parameters of a fault that impairs packets.

    Attributes:
        at: the middlebox.
        towards: the host towards which packets fare so; in both directions by default.
        of: the host whose flows (those that it opened) fare so; all by default.
    """

    at: str
    towards: str | None = None
    of: str | None = None


def impairment(fault: str, given: Any, how: Mapping[str, Any]) -> Impair:
    """The verb of the fault with this name and these parameters."""
    return Impair(given.at, _name(fault, given), given.towards, given.of, **how)


def healed(fault: str, given: Any) -> Unimpair:
    """The verb that ends it."""
    return Unimpair(given.at, _name(fault, given))


def named(given: Any) -> Sequence[str]:
    """The endpoints in its parameters."""
    return [host for host in (given.towards, given.of) if host is not None]


def impair_fault(
    name: str, summary: str, params: type[ImpairParams], how: Callable[[Any], Mapping[str, Any]]
) -> FaultSpec:
    """A fault that is one impairment, healed by taking it away.

    Args:
        name: as a scenario's step names it.
        summary: one line.
        params: its parameters.
        how: fields of the verb, from the parameters.
    """
    return FaultSpec(
        name=name,
        summary=summary,
        params=params,
        verbs=lambda given: (impairment(name, given, how(given)),),
        heal=lambda given: (healed(name, given),),
        middleboxes=lambda given: (given.at,),
        endpoints=named,
    )


def _name(fault: str, given: Any) -> str:
    return f"{fault} towards {given.towards or 'both'} of {given.of or 'all'}"
