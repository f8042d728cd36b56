"""Keepalive probes that the calling thread's network namespace has sent.

The kernel counts them itself, one for all sockets of a namespace (Linux, net/ipv4/tcp_timer.c,
tcp_keepalive_timer; TCPKeepAlive in proc_net(5)'s netstat).  On the wire a probe is a segment
without data, one octet before what comes next (RFC 9293, 3.8.4).
"""

from __future__ import annotations

from halfopen.probes.netstat import NETSTAT, read_netstat


def probes_sent(path: str = NETSTAT) -> int | None:
    """How many since the namespace was made; None if the kernel does not count them.

    Args:
        path: of the kernel's counters, see :func:`halfopen.probes.netstat.read_netstat`.
    """
    return read_netstat(path).get("TCPKeepAlive")
