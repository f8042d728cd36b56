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
from halfopen.verbs import Block, ForgetFlows, Unblock, Verb


class ConntrackBox:
    """See :class:`halfopen.labs.netns.boxes.Box`."""

    def __init__(self, site: Site) -> None:
        self._name = site.name
        network.set_sysctls(site.name, ruleset.SYSCTLS)
        network.load_rules(site.name, site.values)
        self._observer = Observer(
            site.name, middlebox=True, programs=dict, emit=site.emit, failed=site.failed
        )
        self._observer.start()

    async def do(self, verb: Verb, addresses: Mapping[str, str]) -> Sequence[str]:
        """Do a verb now."""
        match verb:
            case ForgetFlows(client=client):
                clients = None if client is None else [addresses[client]]
                gone = await asyncio.to_thread(self._observer.forget, clients)
                return [f"{flow[0]} > {flow[1]}" for flow in gone]
            case Block():
                rule = ruleset.compile_block(
                    verb.name,
                    None if verb.to is None else addresses[verb.to],
                    verb.share,
                    verb.manner,
                    verb.only_new,
                )
                await asyncio.to_thread(network.block, self._name, rule)
                return ()
            case Unblock(name=name):
                await asyncio.to_thread(network.unblock, self._name, name)
                return ()
            case _:
                raise LabError(f"{self._name}: conntrack cannot do {type(verb).__name__}")

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
    verbs=frozenset({ForgetFlows, Block, Unblock}),
    cannot=_cannot,
    build=ConntrackBox,
)
