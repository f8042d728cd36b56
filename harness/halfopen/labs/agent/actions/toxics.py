"""Toxics, set through the proxy's own HTTP interface by toxiproxy-python.

The interface listens on the loopback of the proxy's host only, so it is spoken to from a thread
that has entered the host's network namespace.  toxiproxy-python 0.1.1 can add and remove toxics,
not change them; that goes through its HTTP layer.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Any

from halfopen.errors import LabError
from halfopen.labs.agent.actions._action import Action, ActionContext
from halfopen.probes import namespaces
from halfopen.verbs import EnableProxy, RemoveToxic, SetToxic


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


async def set_toxic(verb: SetToxic, _: ActionContext) -> Sequence[str]:
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

    await asyncio.to_thread(_with_proxy, verb.proxy, work)
    return ()


async def remove_toxic(verb: RemoveToxic, _: ActionContext) -> Sequence[str]:
    """Remove it if it is there: when one was changed, the first healing has taken it away."""

    def work(proxy: Any) -> None:
        if proxy.get_toxic(_name(verb)) is not None:
            proxy.destroy_toxic(_name(verb))

    await asyncio.to_thread(_with_proxy, verb.proxy, work)
    return ()


async def enable_proxy(verb: EnableProxy, _: ActionContext) -> Sequence[str]:
    """Take it down, or up."""
    await asyncio.to_thread(
        _with_proxy, verb.proxy, lambda proxy: proxy.enable() if verb.enabled else proxy.disable()
    )
    return ()


ACTIONS = (
    Action(SetToxic, set_toxic),
    Action(RemoveToxic, remove_toxic),
    Action(EnableProxy, enable_proxy),
)
