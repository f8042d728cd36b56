"""What the middlebox's rules have dropped, read from the calling thread's network namespace.

Source: include/uapi/linux/netfilter/nf_tables.h.  Asked of the kernel itself, since a process of
`nft` each second is the greater part of what all probes cost.
"""

from __future__ import annotations

from dataclasses import dataclass

from halfopen.middlebox.nftables import BLOCKED, LATE, TABLE
from halfopen.probes import netlink
from halfopen.probes.netlink import attribute, attributes

_GET_OBJECT = 10 << 8 | 19  # NFNL_SUBSYS_NFTABLES, NFT_MSG_GETOBJ
_INET = 1  # NFPROTO_INET
_OBJ_TABLE, _OBJ_NAME, _OBJ_TYPE, _OBJ_DATA = 1, 2, 3, 4
_COUNTER = 1  # NFT_OBJECT_COUNTER
_COUNTER_BYTES, _COUNTER_PACKETS = 1, 2


@dataclass(frozen=True)
class Dropped:
    """What did not get through since the middlebox was made.

    Attributes:
        packets: that fitted no entry (late), and were dropped, rejected or passed untranslated.
        octets: of those.
        blocked: packets that a fault kept from getting through.
    """

    packets: int
    octets: int
    blocked: int


class CounterProbe:
    """Reads the counters of a middlebox; made and used in one thread inside its namespace."""

    def __init__(self) -> None:
        self._requests = netlink.RequestSocket(netlink.NETFILTER)

    def close(self) -> None:
        """Let go of its socket."""
        self._requests.close()

    def read(self) -> Dropped:
        """The counters now.

        Raises:
            OSError: if there are none.
        """
        body = bytes([_INET, 0, 0, 0]) + attribute(_OBJ_TABLE, TABLE.encode() + b"\0")
        body += attribute(_OBJ_TYPE, _COUNTER.to_bytes(4, "big"))
        counts: dict[str, tuple[int, int]] = {}
        for _, payload in self._requests.dump(_GET_OBJECT, body):
            parts = attributes(payload, 4)
            data = attributes(parts.get(_OBJ_DATA, b""))
            name = parts.get(_OBJ_NAME, b"").rstrip(b"\0").decode()
            packets, octets = (
                int.from_bytes(data.get(each, b""), "big")
                for each in (_COUNTER_PACKETS, _COUNTER_BYTES)
            )
            counts[name] = (packets, octets)
        try:
            return Dropped(*counts[LATE], counts[BLOCKED][0])
        except KeyError as error:
            raise OSError(f"the middlebox has no counter {error}") from None
