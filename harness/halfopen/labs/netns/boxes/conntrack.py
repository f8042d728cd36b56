"""A middlebox played by the kernel's own connection tracking and nftables."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from halfopen.errors import LabError
from halfopen.labs.netns import network
from halfopen.labs.netns.boxes._box import Engine, Site
from halfopen.labs.netns.observer import Observer
from halfopen.middlebox import ruleset
from halfopen.verbs import Block, ForgetFlows, SetIdleTimeout, Unblock, Verb


class ConntrackBox:
    """See :class:`halfopen.labs.netns.boxes.Box`."""

    def __init__(self, site: Site) -> None:
        self._name = site.name
        self._values = site.values
        self._interfaces = site.network.interfaces
        # As it meets them: another middlebox may have translated them.
        self._addresses = site.addresses
        place = ruleset.Place.of(site.network, site.before, site.after, site.server)
        network.load_rules(site.name, site.values, place)
        self._observer = Observer(
            site.name,
            middlebox=True,
            programs=dict,
            emit=site.emit,
            failed=site.failed,
            shortest=ruleset.shortest_timer(site.values),
        )
        self._observer.start()
        self._observer.wait_ready()

    async def do(self, verb: Verb, _: Mapping[str, str]) -> Sequence[str]:
        """Do a verb now."""
        match verb:
            case ForgetFlows():
                clients = None if verb.client is None else {self._addresses[verb.client]}
                gone = await asyncio.to_thread(
                    self._observer.forget, clients, verb.every, verb.most
                )
                return [f"{flow[0]} > {flow[1]}" for flow in gone]
            case SetIdleTimeout(seconds=seconds):
                await asyncio.to_thread(self._set_idle_timeout, seconds)
                return ()
            case Block():
                rules = ruleset.compile_block(
                    verb.name,
                    None if verb.to is None else self._addresses[verb.to],
                    verb.share,
                    verb.manner,
                    verb.only_new,
                    client=None if verb.client is None else self._addresses[verb.client],
                    longer_than=verb.longer_than,
                )
                await asyncio.to_thread(self._block, rules, verb.longer_than is not None)
                return ()
            case Unblock(name=name):
                await asyncio.to_thread(network.unblock, self._name, name)
                return ()
            case _:
                raise LabError(f"{self._name}: conntrack cannot do {type(verb).__name__}")

    def _block(self, rules: Mapping[str, Any], measured: bool) -> None:
        if measured:  # a sender's unfinished segments are longer than what a wire would carry
            for interface in self._interfaces:
                network.carry_true_packets(self._name, interface)
        network.block(self._name, rules)

    def _set_idle_timeout(self, seconds: float | None) -> None:
        idle = self._values["idle_timeout"] if seconds is None else seconds
        values = {**self._values, "idle_timeout": None if idle in (None, float("inf")) else idle}
        network.set_sysctls(self._name, ruleset.settings(values))
        self._observer.expect(ruleset.shortest_timer(values))

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
    verbs=frozenset({ForgetFlows, SetIdleTimeout, Block, Unblock}),
    cannot=_cannot,
    build=ConntrackBox,
)
