"""What the head of an imported scenario says: its inputs, the connections seen, other ports."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from halfopen.importing.facts import Facts, SeenConnection, Side
from halfopen.model.units import count
from halfopen.yamlfile import double_quoted

_SHOWN = 5  # other ports, named in a comment


def heading(
    facts: Facts,
    port: int,
    others: Sequence[int],
    group: Sequence[SeenConnection],
    inputs: Sequence[str],
) -> list[str]:
    """The lines before the hosts.

    Args:
        facts: that were read.
        port: of the server whose connections the scenario plays.
        others: ports that it does not play.
        group: the connections to `port`.
        inputs: the files that were read.
    """
    names = ", ".join(safe(name) for name in inputs)
    lines = [
        f"# Written by `halfopen import` from {names}.",
        "# Times are those of production. Look at what is marked `not known`: `halfopen",
        "# systems`, `profiles`, `checks` and `faults` say what can be written.",
        f"scenario: {json.dumps(f'connections to port {port}')}",
        f"source: {double_quoted(f'imported from {names}')}",
        "",
    ]
    if group:
        clients = len({each.client.address for each in group})
        pairs = len({(each.client, each.server) for each in group})
        lines.append(
            f"# {count(pairs, 'connection')} to port {port} from "
            f"{count(clients, 'client')}; the first: {safe(group[0].where)}"
        )
        by_pair = {(e.client, e.server): e.state for e in group if e.state}
        states = Counter(by_pair.values())
        resets = Counter[Side]()
        for each in group:
            resets.update(each.resets)
        if resets:
            said = ", ".join(f"{n} with the address of a {side}" for side, n in resets.items())
            lines.append(f"# resets: {said} (the middlebox may have sent them)")
        retries = max(each.retries for each in group)
        if retries:
            lines.append(f"# at most {count(retries, 'retransmission')} without an answer")
        if states:
            said = ", ".join(f"{number} {state}" for state, number in states.most_common(6))
            lines.append(f"# states: {said}")
    else:
        where = facts.listeners[port].where
        lines.append(f"# not known: who connects; {safe(where)} shows a port listened on")
    for other in others[:_SHOWN]:
        lines.append(f"# not in this scenario: {_other(facts, other)}")
    if len(others) > _SHOWN:
        lines.append(f"# ... and {count(len(others) - _SHOWN, 'more port')}")
    return lines


def _other(facts: Facts, port: int) -> str:
    found = [each for each in facts.connections if each.server.port == port]
    if not found:
        where = facts.listeners[port].where
        return f"port {port}, listened on ({safe(where)})"
    pairs = len({(each.client, each.server) for each in found})
    return f"port {port}, {count(pairs, 'connection')} ({safe(found[0].where)})"


def safe(text: str) -> str:
    """`text` for a comment: file names and programs may hold anything."""
    return "".join(char if char.isprintable() else "?" for char in text)
