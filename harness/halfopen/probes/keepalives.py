"""Keepalive probes that the calling thread's network namespace has sent.

The kernel counts them itself, one for all sockets of a namespace (Linux, net/ipv4/tcp_timer.c,
tcp_keepalive_timer; TCPKeepAlive in proc_net(5)'s netstat).  On the wire a probe is a segment
without data, one octet before what comes next (RFC 9293, 3.8.4).
"""

from __future__ import annotations

from pathlib import Path

_NETSTAT = Path("/proc/thread-self/net/netstat")


def probes_sent(path: Path = _NETSTAT) -> int | None:
    """How many since the namespace was made; None if the kernel does not count them.

    Args:
        path: of the kernel's counters: a line of names, and below it a line of figures.
    """
    lines = [line for line in path.read_text().splitlines() if line.startswith("TcpExt:")]
    if len(lines) < 2:
        return None
    figures = dict(zip(lines[0].split(), lines[1].split(), strict=False))
    found = figures.get("TCPKeepAlive")
    return None if found is None else int(found)
