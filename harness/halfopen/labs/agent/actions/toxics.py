"""Toxics, set through the proxy's own HTTP interface by toxiproxy-python.

The interface listens on the loopback of the proxy's host only, so it is spoken to from a thread
that has entered the host's network namespace.  toxiproxy-python 0.1.1 can add and remove toxics,
not change them; that goes through its HTTP layer.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

from halfopen.errors import LabError
from halfopen.labs.agent import network
from halfopen.labs.agent.actions._action import Action, ActionContext
from halfopen.model.effects import NOTHING, Touched
from halfopen.probes import namespaces
from halfopen.verbs import EnableProxy, RemoveToxic, SetToxic

_DOWN = "proxy_down"


def _with_proxy(host: str, work: Callable[[Any], None]) -> None:
    """Call `work` with the proxy that the server on `host` runs; in a thread of its own."""
    # Nothing in here can reach the proxy that the outer world's HTTP clients are told to use.
    os.environ["no_proxy"] = "*"
    # Imported where it is needed: it brings requests with it, and an agent has to start fast.
    from toxiproxy import Toxiproxy

    with namespaces.visiting(host):
        try:
            (proxy,) = Toxiproxy().proxies().values()
            work(proxy)
        # What it raises: its own kinds, straight from Exception, and those of requests.
        except Exception as error:
            raise LabError(f"{host}: Toxiproxy reports: {type(error).__name__}: {error}") from error


def _name(verb: SetToxic | RemoveToxic) -> str:
    return f"{verb.type}_{verb.stream}"


async def set_toxic(verb: SetToxic, _: ActionContext) -> Touched:
    """Add it, or change the one that is there."""

    def work(proxy: Any) -> None:
        from toxiproxy.api import APIConsumer

        values = {"toxicity": verb.toxicity, "attributes": dict(verb.attributes)}
        if proxy.get_toxic(_name(verb)) is None:
            proxy.add_toxic(name=_name(verb), type=verb.type, stream=verb.stream, **values)
        else:
            APIConsumer.post(f"/proxies/{proxy.name}/toxics/{_name(verb)}", json=values)
        toxic = proxy.get_toxic(_name(verb))
        found = None if toxic is None else (toxic.type, toxic.stream, toxic.toxicity)
        if (
            found != (verb.type, verb.stream, verb.toxicity)
            or toxic.attributes != values["attributes"]
        ):
            raise LabError(f"the toxic is not as requested: {vars(toxic) if toxic else None}")
        _count(verb.proxy, _name(verb), _came_in(verb, proxy))

    await asyncio.to_thread(_with_proxy, verb.proxy, work)
    return NOTHING


def _came_in(verb: SetToxic, proxy: Any) -> str:
    """Packets from whose data, or end, the toxic takes effect: a chain of nftables."""
    address, port = (
        ("dport", proxy.listen) if verb.stream == "upstream" else ("sport", proxy.upstream)
    )
    # Linux sets PSH on the last segment of what a program has written at once.
    flag = "fin" if verb.type == "slow_close" else "psh"
    return _CHAIN.format(
        hook="input", interface="iif", port=f"{address} {port.rpartition(':')[2]}", flags=flag
    )


# The interface of Toxiproxy is on the loopback; what it forwards is not.
_CHAIN = """
 chain counts {{
  type filter hook {hook} priority 0; policy accept;
  {interface} != lo tcp {port} tcp flags & ({flags}) != 0 counter
 }}
"""


def _count(host: str, table: str, chain: str) -> None:
    """Count packets from now on, from 0 again if they are counted already."""
    _count_no_more(host, table)
    network.nft(host, "-f", "-", text=f"table inet {table} {{{chain}}}")


def _count_no_more(host: str, table: str) -> None:
    network.nft(host, "-f", "-", text=f"table inet {table} {{}}\ndelete table inet {table}")


async def data_since(verb: SetToxic, _: ActionContext) -> Touched:
    """Packets from whose data, or end, it has taken effect."""
    number = await asyncio.to_thread(network.counted_in, verb.proxy, "inet", _name(verb))
    return Touched({"packets": number})


async def remove_toxic(verb: RemoveToxic, _: ActionContext) -> Touched:
    """Remove it if it is there: when one was changed, the first healing has taken it away."""

    def work(proxy: Any) -> None:
        if proxy.get_toxic(_name(verb)) is not None:
            proxy.destroy_toxic(_name(verb))
        _count_no_more(verb.proxy, _name(verb))

    await asyncio.to_thread(_with_proxy, verb.proxy, work)
    return NOTHING


async def enable_proxy(verb: EnableProxy, _: ActionContext) -> Touched:
    """Take it down, or up."""

    def work(proxy: Any) -> None:
        if verb.enabled:
            proxy.enable()
            _count_no_more(verb.proxy, _DOWN)
        else:
            port = f"sport {proxy.listen.rpartition(':')[2]}"
            chain = _CHAIN.format(hook="output", interface="oif", port=port, flags="fin | rst")
            _count(verb.proxy, _DOWN, chain)
            proxy.disable()

    await asyncio.to_thread(_with_proxy, verb.proxy, work)
    return NOTHING


async def closed_since(verb: EnableProxy, _: ActionContext) -> Touched:
    """Ends of connections, and refusals, that clients were sent."""
    return Touched(
        {"packets": await asyncio.to_thread(network.counted_in, verb.proxy, "inet", _DOWN)}
    )


ACTIONS = (
    Action(SetToxic, set_toxic, touched=data_since),
    Action(RemoveToxic, remove_toxic),
    Action(EnableProxy, enable_proxy, touched=closed_since),
)
