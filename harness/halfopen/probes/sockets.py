"""TCP sockets of the calling thread's network namespace, with timers and TCP_INFO.

Source: sock_diag(7), include/uapi/linux/inet_diag.h, include/uapi/linux/tcp.h.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from socket import AF_INET, AF_INET6
from typing import Any

from pyroute2.netlink.diag import DiagSocket

# include/net/tcp_states.h
_STATES = {
    1: "ESTABLISHED",
    2: "SYN_SENT",
    3: "SYN_RECV",
    4: "FIN_WAIT1",
    5: "FIN_WAIT2",
    6: "TIME_WAIT",
    7: "CLOSE",
    8: "CLOSE_WAIT",
    9: "LAST_ACK",
    10: "LISTEN",
    11: "CLOSING",
    12: "NEW_SYN_RECV",
}
# net/ipv4/tcp_diag.c, `idiag_timer`
_TIMERS = {0: "off", 1: "retransmit", 2: "keepalive", 3: "timewait", 4: "persist"}
_WITH_TCP_INFO = 1 << 1  # INET_DIAG_INFO is number 2; the request's bit is one less
_ALL_STATES = 0xFFF


@dataclass(frozen=True)
class SeenSocket:
    """A socket as recorded.

    Attributes:
        record: the fields of :class:`halfopen.model.history.TcpSocket`.
        identity: what must change for it to count as changed (no counters, no clocks).
        inode: by which processes' file descriptors name it.
        kind: `listen` or `tcp`, for counting file descriptors.
    """

    record: dict[str, Any]
    identity: tuple[object, ...]
    inode: int
    kind: str


class SocketProbe:
    """Reads all TCP sockets of a namespace; made and used in one thread inside it."""

    def __init__(self) -> None:
        self._diag = DiagSocket()
        self._diag.bind()

    def read(self, owners: Mapping[int, int]) -> list[SeenSocket]:
        """All TCP sockets, IPv4 and IPv6, ordered by their addresses.

        Args:
            owners: inode -> pid of the process that holds the socket.
        """
        found = []
        for family in (AF_INET, AF_INET6):
            for message in self._diag.get_sock_stats(family=family, extensions=_WITH_TCP_INFO):
                # The end of a dump comes as a message too, without these fields.
                if message.get("idiag_state") is not None:
                    found.append(_seen(message, owners))
        return sorted(found, key=lambda s: (s.record["local"], s.record["peer"]))

    def close(self) -> None:
        """Let go of the netlink socket."""
        self._diag.close()


def _endpoint(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _seen(message: Any, owners: Mapping[int, int]) -> SeenSocket:
    state = _STATES.get(message["idiag_state"], str(message["idiag_state"]))
    local = _endpoint(message["idiag_src"], message["idiag_sport"])
    peer = "" if state == "LISTEN" else _endpoint(message["idiag_dst"], message["idiag_dport"])
    timer = _TIMERS.get(message["idiag_timer"], str(message["idiag_timer"]))
    info = message.get_attr("INET_DIAG_INFO") or {}
    record: dict[str, Any] = {"local": local, "peer": peer, "state": state}
    if state != "LISTEN":
        record |= {
            "timer": timer,
            "timer_s": message["idiag_expires"] / 1000,
            "retrans": message["idiag_retrans"],
            "rqueue": message["idiag_rqueue"],
            "wqueue": message["idiag_wqueue"],
        }
        if info:
            heard = min(info["tcpi_last_data_recv"], info["tcpi_last_ack_recv"])
            record |= {"unacked": info["tcpi_unacked"], "last_heard_s": heard / 1000}
    inode = int(message["idiag_inode"])
    record["pid"] = owners.get(inode, 0)
    identity = (local, peer, state, timer, record.get("retrans"), record["pid"])
    return SeenSocket(record, identity, inode, "listen" if state == "LISTEN" else "tcp")
