"""A middlebox played by the kernel's own connection tracking and nftables."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from halfopen.errors import LabError, UnsupportedError
from halfopen.labs.agent import network
from halfopen.labs.agent.engines._engine import Engine, MiddleboxSetup
from halfopen.labs.agent.observer import Observer
from halfopen.middlebox import ruleset
from halfopen.model.effects import NOTHING, Touched, of_flows
from halfopen.packet_faults import KernelPacketFault, all_packet_faults
from halfopen.verbs import DrainServer, EndPacketFault, ForgetFlows, SetIdleTimeout, Verb


class ConntrackMiddlebox:
    """See :class:`halfopen.labs.agent.engines.RunningMiddlebox`."""

    def __init__(self, setup: MiddleboxSetup) -> None:
        self._name = setup.name
        self._values = setup.values
        self._attachment = setup.attachment
        self._drained: set[str] = set()
        self._idle = setup.values["idle_timeout"]
        self._interfaces = setup.network.interfaces
        # As it meets them: another middlebox may have translated them.
        self._addresses = setup.addresses
        network.load_rules(setup.name, setup.values, setup.attachment)
        self._observer = Observer(
            setup.name,
            middlebox=True,
            programs=dict,
            emit=setup.emit,
            failed=setup.failed,
            shortest=ruleset.shortest_timer(setup.values),
            rhythm=setup.rhythm,
            stir=setup.stirs.stir,
        )
        setup.stirs.add(self._observer.stir)
        self._observer.start()
        self._observer.wait_ready()

    async def do(self, verb: Verb, _: Mapping[str, str]) -> Touched:
        """Do a verb now."""
        match verb:
            case ForgetFlows():
                clients = None if verb.client is None else {self._addresses[verb.client]}
                gone = await asyncio.to_thread(
                    self._observer.forget, clients, verb.every, verb.most
                )
                return of_flows([f"{flow[0]} > {flow[1]}" for flow in gone])
            case SetIdleTimeout(seconds=seconds):
                changed = await asyncio.to_thread(self._set_idle_timeout, seconds)
                return Touched({"timeouts": int(changed)})
            case DrainServer():
                return await asyncio.to_thread(self._drain, verb)
            case KernelPacketFault():
                await asyncio.to_thread(self._begin, verb)
                return NOTHING
            case EndPacketFault(name=name):
                await asyncio.to_thread(network.remove_fault, self._name, name)
                return NOTHING
            case _:
                raise UnsupportedError(
                    f"the engine conntrack of {self._name} does not support {type(verb).__name__}: "
                    "use `engine: userspace`, or name the fault before the lab is built"
                )

    async def packets(self, name: str) -> int:
        """As its rules' own counters say."""
        return await asyncio.to_thread(network.fault_packets, self._name, name)

    def _drain(self, verb: DrainServer) -> Touched:
        attachment, before = self._attachment, len(self._drained)
        if verb.server not in attachment.pool:
            raise LabError(f"{self._name} has no {verb.server} in a pool of servers")
        (self._drained.add if verb.out else self._drained.discard)(verb.server)
        balance = str(self._values["balance"])
        network.load(self._name, ruleset.redirected(balance, attachment, self._drained))
        return Touched({"servers": abs(len(self._drained) - before)})

    def _begin(self, fault: KernelPacketFault) -> None:
        if fault.true_packets:
            for interface in self._interfaces:
                network.carry_true_packets(self._name, interface)
        network.load(self._name, fault.rules(self._addresses))

    def _set_idle_timeout(self, seconds: float | None) -> bool:
        """Set it; False if it was that already."""
        idle = self._values["idle_timeout"] if seconds is None else seconds
        idle, before = None if idle in (None, float("inf")) else idle, self._idle
        values = {**self._values, "idle_timeout": idle}
        network.set_sysctls(self._name, ruleset.settings(values))
        self._observer.expect(ruleset.shortest_timer(values))
        self._idle = idle
        return bool(idle != before)

    async def sample(self) -> None:
        """Record everything now."""
        await asyncio.to_thread(self._observer.sample)

    async def stop(self) -> None:
        """Take a last sample and end."""
        await asyncio.to_thread(self._observer.stop)


def _cannot(values: Mapping[str, Any]) -> Sequence[str]:
    reason = ruleset.unsupported(values)
    return () if reason is None else (reason,)


CONNTRACK = Engine(
    name="conntrack",
    verbs=frozenset(
        {
            ForgetFlows,
            SetIdleTimeout,
            DrainServer,
            EndPacketFault,
            *(kind for kind in all_packet_faults() if issubclass(kind, KernelPacketFault)),
        }
    ),
    cannot=_cannot,
    build=ConntrackMiddlebox,
)
