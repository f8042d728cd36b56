"""What a fault is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from halfopen.fields import Section
from halfopen.ports._nothing import no_hosts
from halfopen.verbs import Verb


def no_neighbours(_: Any) -> Sequence[tuple[str, str]]:
    """For whatever names no link."""
    return ()


def nothing_running(_: Any) -> Sequence[tuple[str, str]]:
    """For a fault that does not mind what its hosts run."""
    return ()


def no_options(_: Any) -> tuple[str, Mapping[str, Any]] | None:
    """For a fault that changes no options."""
    return None


def no_schedule(_: Any) -> Sequence[tuple[float, Verb]]:
    """For a fault that does not change while it lasts."""
    return ()


def no_verbs(_: Any) -> Sequence[Verb]:
    """For a fault that has nothing to heal."""
    return ()


@dataclass(frozen=True)
class FaultSpec:
    """A fault: compiled to verbs, so that it knows no lab.

    Attributes:
        name: as a scenario's `fault` step names it.
        summary: one line.
        params: its parameters.
        verbs: the verbs that it comes to (see :mod:`halfopen.verbs`).
        heal: the verbs that end it; none for what is over at once.
        schedule: more verbs for later, each with the seconds after its beginning, in their order;
            it is healed after the last of them, unless it is told how it ends.
        middleboxes: host names in the parameters that must be middleboxes.
        endpoints: host names in the parameters that must be endpoints.
        neighbours: pairs of host names in the parameters that must be joined by a link.
        anywhere: host names in the parameters that may be of either kind.
        running: host names in the parameters, each with the system that it must run.
        options: a host, and options of its system that it has from then on, as a scenario writes
            them: the program that a `RestartProgram` starts has them.
    """

    name: str
    summary: str
    params: type[Section]
    verbs: Callable[[Any], Sequence[Verb]]
    heal: Callable[[Any], Sequence[Verb]] = no_verbs
    schedule: Callable[[Any], Sequence[tuple[float, Verb]]] = no_schedule
    middleboxes: Callable[[Any], Sequence[str]] = no_hosts
    endpoints: Callable[[Any], Sequence[str]] = no_hosts
    neighbours: Callable[[Any], Sequence[tuple[str, str]]] = no_neighbours
    anywhere: Callable[[Any], Sequence[str]] = no_hosts
    running: Callable[[Any], Sequence[tuple[str, str]]] = nothing_running
    options: Callable[[Any], tuple[str, Mapping[str, Any]] | None] = no_options

    def every_verb(self, params: Any) -> tuple[Verb, ...]:
        """What it comes to, its healing included."""
        later = [verb for _, verb in self.schedule(params)]
        return (*self.verbs(params), *later, *self.heal(params))

    def hosts(self, params: Any) -> tuple[str, ...]:
        """All host names in the parameters."""
        pairs = [name for pair in self.neighbours(params) for name in pair]
        systems = [name for name, _ in self.running(params)]
        somewhere = (*self.middleboxes(params), *self.endpoints(params), *self.anywhere(params))
        return (*somewhere, *pairs, *systems)
