"""How the engine does verbs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import isinf

from halfopen.errors import LabError
from halfopen.labs.forwarder.forwarder import Forwarder
from halfopen.labs.forwarder.impairments import Impairment
from halfopen.labs.forwarder.matching import ActiveBlock, PacketFilter
from halfopen.middlebox.flow import Flow
from halfopen.verbs import (
    Block,
    ForgetFlows,
    Impair,
    Rebind,
    SetIdleTimeout,
    Unblock,
    Unimpair,
    Verb,
)


def do(
    verb: Verb,
    forwarder: Forwarder,
    profile_idle: float | None,
    names: Mapping[str, str],
    now: float,
) -> Sequence[Flow]:
    """Do a verb; returns the flows that it touched.

    Args:
        verb: one of :data:`halfopen.labs.forwarder.verbs.VERBS`.
        forwarder: to which it is done.
        profile_idle: the idle timeout of the profile, seconds; None for never.
        names: the addresses of the hosts by name.
        now: seconds, on the forwarder's clock.

    Raises:
        LabError: if a fault is ended that does not stand, or the verb is none of those.
    """
    table, faults = forwarder.table, forwarder.faults
    try:
        match verb:
            case ForgetFlows():
                chosen = _opened_by(forwarder, verb.client, names)[:: verb.every][: verb.most]
                numbers = {flow.number for flow in chosen}
                return sorted(table.forget(lambda flow: flow.number in numbers), key=_age)
            case SetIdleTimeout(seconds=seconds):
                idle = profile_idle if seconds is None else None if isinf(seconds) else seconds
                table.policy = replace(table.policy, idle_timeout=idle)
            case Rebind():
                numbers = {flow.number for flow in _opened_by(forwarder, verb.client, names)}
                return sorted(forwarder.rebind(lambda flow: flow.number in numbers), key=_age)
            case Block():
                block = ActiveBlock(PacketFilter.of(verb, names), verb.share, verb.manner)
                faults.block(verb.name, block)
            case Unblock(name=name):
                faults.unblock(name)
            case Impair():
                faults.impair(verb.name, PacketFilter.of(verb, names), _impairment(verb))
            case Unimpair(name=name):
                faults.unimpair(name, now)
            case _:
                raise LabError(f"the userspace engine cannot do {type(verb).__name__}")
    except KeyError as error:
        raise LabError(f"there is nothing called {error} that could be ended") from None
    return ()


def _age(flow: Flow) -> int:
    return flow.number


def _opened_by(forwarder: Forwarder, client: str | None, names: Mapping[str, str]) -> list[Flow]:
    """The flows of a client, the oldest first; None: of all."""
    wanted: Callable[[Flow], bool] = lambda _: True  # noqa: E731
    if client is not None:
        address = names[client]
        wanted = lambda flow: flow.opened.source.address == address  # noqa: E731
    return sorted((flow for flow in forwarder.table if wanted(flow)), key=_age)


def _impairment(verb: Impair) -> Impairment:
    return Impairment(
        delay=verb.delay,
        jitter=verb.jitter,
        loss=verb.loss,
        burst=verb.burst,
        reorder=verb.reorder,
        duplicate=verb.duplicate,
        corrupt=verb.corrupt,
        rate=verb.rate,
        backlog=verb.backlog,
    )
