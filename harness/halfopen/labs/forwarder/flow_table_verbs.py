"""What is done to the flow table of the userspace engine, verb by verb.

An agent imports this to know what the engine can do: nothing heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import isinf
from typing import TYPE_CHECKING, Any

from halfopen.errors import LabError, UnsupportedError
from halfopen.middlebox.nat import PoolTranslation
from halfopen.model.effects import NOTHING, Touched, of_flows
from halfopen.packet_faults import PacketFault
from halfopen.verbs import DrainServer, EndPacketFault, ForgetFlows, Rebind, SetIdleTimeout, Verb

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


def _forget(verb: ForgetFlows, target: Target) -> Touched:
    chosen = target.opened_by(verb.client)[:: verb.every][: verb.most]
    numbers = {flow.number for flow in chosen}
    return _named(target.forwarder.table.forget(lambda flow: flow.number in numbers))


def _set_idle_timeout(verb: SetIdleTimeout, target: Target) -> Touched:
    seconds, table = verb.seconds, target.forwarder.table
    idle = target.profile_idle if seconds is None else None if isinf(seconds) else seconds
    changed = idle != table.policy.idle_timeout
    table.policy = replace(table.policy, idle_timeout=idle)
    return Touched({"timeouts": int(changed)})


def _rebind(verb: Rebind, target: Target) -> Touched:
    numbers = {flow.number for flow in target.opened_by(verb.client)}
    return _named(target.forwarder.rebind(lambda flow: flow.number in numbers))


def _drain(verb: DrainServer, target: Target) -> Touched:
    translator = target.forwarder.translator
    if not isinstance(translator, PoolTranslation):
        raise LabError(f"{verb.at} has no pool of servers")
    server, before = target.addresses[verb.server], len(translator.drained)
    (translator.drained.add if verb.out else translator.drained.discard)(server)
    return Touched({"servers": abs(len(translator.drained) - before)})


HANDLERS: Mapping[type[Verb], Callable[[Any, Target], Touched]] = {
    ForgetFlows: _forget,
    SetIdleTimeout: _set_idle_timeout,
    Rebind: _rebind,
    DrainServer: _drain,
}
"""How each is done.  They change the table once: nothing of them stays active, and nothing is
ended."""


def do(verb: Verb, target: Target, now: float) -> Touched:
    """Do a verb at `now`, on the forwarder's clock; returns what it touched at once.

    Raises:
        LabError: if a packet fault is ended that is not active.
        UnsupportedError: if the engine cannot do it.
    """
    if isinstance(verb, PacketFault):
        target.forwarder.faults.add(verb, target.addresses)
        return NOTHING
    if isinstance(verb, EndPacketFault):
        try:
            target.forwarder.faults.remove(verb.name, now)
        except KeyError:
            raise LabError(f"{verb.at}: no packet fault {verb.name!r} is active") from None
        return NOTHING
    if type(verb) not in HANDLERS:
        raise UnsupportedError(f"the userspace engine does not support {type(verb).__name__}")
    return HANDLERS[type(verb)](verb, target)


def _named(flows: Iterable[TrackedFlow]) -> Touched:
    """The oldest first."""
    ordered = [flow.opened for flow in sorted(flows, key=_age)]
    return of_flows([f"{opened.source} > {opened.destination}" for opened in ordered])


def _age(flow: TrackedFlow) -> int:
    return flow.number
