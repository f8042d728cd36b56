"""What the kernel counts of TCP in the calling thread's network namespace.

The lines `TcpExt:` of proc_net(5)'s netstat; what they mean is in Linux, net/ipv4/proc.c and
Documentation/networking/snmp_counter.rst.
"""

from __future__ import annotations

from halfopen.probes.procfs import read_text

NETSTAT = "/proc/thread-self/net/netstat"
SNMP = "/proc/thread-self/net/snmp"


def failed_attempts(path: str = SNMP) -> int:
    """Connections that could not be opened since the namespace was made (RFC 4022, AttemptFails).

    Args:
        path: of the kernel's counters, see proc_net(5), snmp.
    """
    return read_netstat(path, "Tcp:").get("AttemptFails", 0)


def read_netstat(path: str = NETSTAT, group: str = "TcpExt:") -> dict[str, int]:
    """Name -> figure, since the namespace was made; empty if the kernel does not count.

    Args:
        path: of the kernel's counters: a line of names, and below it a line of figures.
        group: with which both lines begin.
    """
    lines = [line for line in read_text(path).splitlines() if line.startswith(group)]
    if len(lines) < 2:
        return {}
    names, figures = lines[0].split()[1:], lines[1].split()[1:]
    return {name: int(figure) for name, figure in zip(names, figures, strict=False)}
