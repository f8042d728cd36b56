"""What a proxy on the path makes meaningless, and what cannot get past one.

A proxy terminates every TCP connection and opens another one.  Keepalive probes, silent drops and
resets on one side of it are never seen on the other; and nothing that is addressed to a host behind
it gets there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from halfopen.fields import host_references
from halfopen.ports import System
from halfopen.scenario.context import Context
from halfopen.scenario.model import Expectation, Inject, Step
from halfopen.scenario.names import PROXY, Names
from halfopen.scenario.raw import RawHost
from halfopen.sections import Problems, line_of_text

Segment = tuple[str, ...]
"""Hosts in a row, between which TCP connections are whole: a proxy may be its first or last."""


def segments(path: Sequence[str], proxies: Collection[str]) -> list[Segment]:
    """The path cut at every proxy, which belongs to both parts."""
    found: list[Segment] = []
    part: list[str] = []
    for name in path:
        part.append(name)
        if name in proxies and len(part) > 1:
            found.append(tuple(part))
            part = [name]
    return [*found, tuple(part)] if len(part) > 1 else found


def check_proxies(
    hosts: Mapping[str, RawHost],
    steps: Sequence[Step],
    expect: Sequence[Expectation],
    context: Context,
) -> None:
    """Note what a scenario asks of connections that a proxy cuts in two.

    Args:
        hosts: as written, for lines.
        steps: of the scenario.
        expect: its expectations.
        context: knows the hosts and the path; takes what is wrong.
    """
    known, problems = context.names, context.problems
    proxies = [name for name, role in known.roles.items() if role == PROXY]
    proxies = [name for name in proxies if any(name in path for path in known.paths)]
    if not proxies:
        return
    whole = [each for path in known.paths for each in segments(path, proxies)]
    _check_targets(hosts, whole, proxies, known, problems)
    _check_silence(whole, proxies, _cut_links(steps), expect, known, problems)


def _check_targets(
    hosts: Mapping[str, RawHost],
    whole: Sequence[Segment],
    proxies: Sequence[str],
    known: Names,
    problems: Problems,
) -> None:
    for host in known.hosts.values():
        if not isinstance(host.settings, System):
            continue
        for target in host.settings.hosts():
            on_path = any({host.name, target} <= set(path) for path in known.paths)
            if on_path and not any({host.name, target} <= set(each) for each in whole):
                node = hosts[host.name].node
                near = next(p for p in proxies if any({host.name, p} <= set(e) for e in whole))
                problems.add(
                    line_of_text(node, target),
                    f"host {host.name} talks to {target}, but {near} is between them and "
                    "terminates every TCP connection",
                    f"let {host.name} talk to {near}",
                )


def _cut_links(steps: Sequence[Step]) -> list[tuple[str, str]]:
    """The links that faults cut: that is silent too."""
    return [
        (found.names[0], found.names[1])
        for step in steps
        if isinstance(step, Inject)
        for found in host_references(step.fault)
        if found.ref.role == "link"
    ]


def _check_silence(
    whole: Sequence[Segment],
    proxies: Sequence[str],
    cut: Sequence[tuple[str, str]],
    expect: Sequence[Expectation],
    known: Names,
    problems: Problems,
) -> None:
    def silent(segment: Segment) -> bool:
        return bool(known.middleboxes & set(segment)) or any(
            set(pair) <= set(segment) for pair in cut
        )

    for each in expect:
        if not each.params.silent:
            continue
        for host in each.params.hosts():
            mine = [segment for segment in whole if host in segment]
            if not mine or any(silent(segment) for segment in mine):
                continue
            words = " and ".join(proxies)
            problems.add(
                each.lines.get("at", each.line),
                f"{each.label!r} is about a TCP connection that is dropped silently, but {words} "
                f"{'terminates' if len(proxies) == 1 else 'terminate'} every TCP connection, and "
                f"no middlebox is on those of {host}: idle drops and keepalive do not reach across",
                f"put a middlebox next to {host}, or take {words} off the path",
            )
