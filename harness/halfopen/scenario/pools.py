"""Checks what middleboxes stand for: the ports of a NAT, and the pool of a balancer."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.faults.drain import Drain
from halfopen.scenario.context import Context
from halfopen.scenario.middleboxes import MiddleboxOptions
from halfopen.scenario.model import Host, Inject, Step


def check_pools(steps: Sequence[Step], context: Context) -> None:
    """Note ports without a NAT, a pool that cannot be served, and a step that drains in none.

    Args:
        steps: of the variant.
        context: knows the hosts and the paths; takes what is wrong.
    """
    hosts = context.names.hosts
    for host in hosts.values():
        if isinstance(host.settings, MiddleboxOptions):
            _check_pool(host, host.settings, context)
    for step in steps:
        if isinstance(step, Inject) and isinstance(step.fault, Drain):
            box = hosts.get(step.fault.at)
            pool = getattr(None if box is None else box.settings, "pool", None) or ()
            if box is not None and step.fault.server in hosts and step.fault.server not in pool:
                known = f"its pool is {', '.join(pool)}" if pool else "it has no `pool`"
                context.problems.add(
                    step.line,
                    f"{step.fault.server} is not in the pool of {box.name}",
                    known,
                )


def _check_pool(host: Host, options: MiddleboxOptions, context: Context) -> None:
    problems, pool = context.problems, options.pool
    if options.nat_ports is not None and options.nat != "source":
        problems.add(
            host.lines.get("nat ports", host.line),
            f"{host.name} has `nat ports`, so it translates sources, not {options.nat!r}",
            "write `nat: source`",
        )
    if pool is None:
        if "balance" in host.lines:
            problems.add(
                host.lines["balance"], f"{host.name} has no pool to balance", "add `pool: [...]`"
            )
        return
    line = host.lines["pool"]
    if options.nat != "destination":
        problems.add(
            host.lines.get("nat", line),
            f"{host.name} has a pool, so it translates destinations, not {options.nat!r}",
            "write `nat: destination`",
        )
    names = context.names
    ends = {path[-1] for path in names.paths if host.name in path[1:-1]}
    if not ends or not set(pool) <= names.hosts.keys():
        return  # noted already
    if missing := [name for name in pool if name not in ends]:
        problems.add(
            line,
            f"no path leads through {host.name} to {missing[0]}, which is in its pool",
            f"add a path that ends at {missing[0]}",
        )
    elif others := sorted(ends - set(pool)):
        problems.add(
            line,
            f"a path through {host.name} ends at {others[0]}, which is not in its pool",
            f"add {others[0]} to the pool, or lead its path another way",
        )
