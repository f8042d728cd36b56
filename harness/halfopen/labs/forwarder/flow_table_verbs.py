"""What is done to the flow table of the userspace engine, verb by verb.

An agent imports this to know what the engine can do: nothing heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isinf
from typing import TYPE_CHECKING, Any

from halfopen.errors import LabError, UnsupportedError
from halfopen.packet_faults import PacketFault
from halfopen.verbs import EndPacketFault, ForgetFlows, Rebind, SetIdleTimeout, Verb

if TYPE_CHECKING:
    from halfopen.labs.forwarder.forwarder import Forwarder
    from halfopen.middlebox.flow import TrackedFlow


@dataclass(frozen=True)
class Target:
    """What a verb is done to.

    Attributes:
        forwarder: the middlebox.
        profile_idle: the idle timeout of the profile, seconds; None for never.
        addresses: of the hosts, by name.
    """

    forwarder: Forwarder
    profile_idle: float | None
    addresses: Mapping[str, str]

    def opened_by(self, client: str | None) -> list[TrackedFlow]:
        """The flows of a client, the oldest first; None: of all."""
        if client is not None and client not in self.addresses:
            raise LabError(f"unknown host {client!r}")
        wanted = None if client is None else self.addresses[client]
        return sorted(
            (
                flow
                for flow in self.forwarder.table
                if wanted is None or flow.opened.source.address == wanted
            ),
            key=_age,
        )


def _forget(verb: ForgetFlows, target: Target) -> Sequence[TrackedFlow]:
    chosen = target.opened_by(verb.client)[:: verb.every][: verb.most]
    numbers = {flow.number for flow in chosen}
    return sorted(target.forwarder.table.forget(lambda flow: flow.number in numbers), key=_age)


def _set_idle_timeout(verb: SetIdleTimeout, target: Target) -> Sequence[TrackedFlow]:
    seconds, table = verb.seconds, target.forwarder.table
    idle = target.profile_idle if seconds is None else None if isinf(seconds) else seconds
    table.policy = replace(table.policy, idle_timeout=idle)
    return ()


def _rebind(verb: Rebind, target: Target) -> Sequence[TrackedFlow]:
    numbers = {flow.number for flow in target.opened_by(verb.client)}
    return sorted(target.forwarder.rebind(lambda flow: flow.number in numbers), key=_age)


HANDLERS: Mapping[type[Verb], Callable[[Any, Target], Sequence[TrackedFlow]]] = {
    ForgetFlows: _forget,
    SetIdleTimeout: _set_idle_timeout,
    Rebind: _rebind,
}
"""How each is done; returns the flows that it touched.  They change the table once: nothing of
them stays active, and nothing is ended."""


def do(verb: Verb, target: Target, now: float) -> Sequence[TrackedFlow]:
    """Do a verb at `now`, on the forwarder's clock; returns the flows that it touched.

    Raises:
        LabError: if a packet fault is ended that is not active.
        UnsupportedError: if the engine cannot do it.
    """
    if isinstance(verb, PacketFault):
        target.forwarder.faults.add(verb, target.addresses)
        return ()
    if isinstance(verb, EndPacketFault):
        try:
            target.forwarder.faults.remove(verb.name, now)
        except KeyError:
            raise LabError(f"{verb.at}: no packet fault {verb.name!r} is active") from None
        return ()
    if type(verb) not in HANDLERS:
        raise UnsupportedError(f"the userspace engine does not support {type(verb).__name__}")
    return HANDLERS[type(verb)](verb, target)


def _age(flow: TrackedFlow) -> int:
    return flow.number
