"""A profile's values as the flow table takes them: seconds of any size, no rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from halfopen.errors import UnsupportedError

_NOT_OF_FLOWS = ("terminates_tcp", "engine", "nat_ports", "pool", "balance")


@dataclass(frozen=True)
class Policy:
    """How a flow table treats flows; the words are those of a profile.

    Attributes:
        idle_timeout: seconds, None for never; see :class:`halfopen.profiles.MiddleboxValues`.
        lifetime: seconds that a flow lives at most, however busy; None forever.
        on_expiry: `silent`, `rst both`, `fin`.
        late_packet: what becomes of a packet of no known flow.
        refreshed_by: whose packets count: `both sides`, `inside`, `outside`.
        keepalive_refreshes: whether a probe and its answer count as packets of the flow.
        half_open: seconds for the handshake.
        half_closed: seconds after the first FIN.
        time_wait: seconds after both.
        after_rst: seconds after a RST.
        unacknowledged: seconds while data is unacknowledged, None if that makes no difference.
        table_size: most flows, None for unlimited.
        flows_per_source: most flows of one client address, None for unlimited.
        eviction: `drop new`, `oldest`, `non-assured first`.
        nat: `none`, `source`, `destination`.
        port_reuse: what becomes of a SYN with the addresses of a flow that is closed and not yet
            forgotten: `new flow`, `drop`.
    """

    idle_timeout: float | None
    lifetime: float | None = None
    on_expiry: str = "silent"
    late_packet: str = "drop"
    refreshed_by: str = "both sides"
    keepalive_refreshes: bool = True
    half_open: float = 30.0
    half_closed: float = 120.0
    time_wait: float = 120.0
    after_rst: float = 10.0
    unacknowledged: float | None = None
    table_size: int | None = None
    flows_per_source: int | None = None
    eviction: str = "drop new"
    nat: str = "none"
    port_reuse: str = "new flow"

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Policy:
        """The policy of a profile's values (field names; seconds of lab time).

        Raises:
            UnsupportedError: for a proxy, which has no flow table but two connections.
        """
        if values.get("terminates_tcp"):
            raise UnsupportedError(
                "this is a proxy: it answers keepalive by itself, and has no flows that it could "
                "forget"
            )
        return cls(**{key: value for key, value in values.items() if key not in _NOT_OF_FLOWS})
