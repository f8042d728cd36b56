"""The values that a middlebox profile has, and that a scenario may override."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from halfopen.fields import DURATION_SCHEMA, Scaled, Section, WholeSeconds, read_duration
from halfopen.model.units import LONGEST


def _never(value: object) -> object:
    return None if value in ("never", None) else value


def _unlimited(value: object) -> object:
    # `never` too: the one word that None becomes when values are written out again.
    return None if value in ("unlimited", "never", None) else value


_SCHEMA: dict[str, Any] = {"anyOf": [DURATION_SCHEMA, {"const": "never"}]}
_SIZE_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "integer", "minimum": 1}, {"const": "unlimited"}]
}

IdleTimeout = Annotated[WholeSeconds | None, BeforeValidator(_never), WithJsonSchema(_SCHEMA)]
"""Seconds of silence, whole because connection tracking has nothing finer; `never` is None."""

Exchange = Annotated[
    float,
    BeforeValidator(read_duration),
    Field(ge=1, le=LONGEST),
    Scaled(whole=True, least=0.5),
    WithJsonSchema(DURATION_SCHEMA),
]
"""Seconds in which both sides are to say something: that takes real time, whatever the scale."""

TableSize = Annotated[
    Annotated[int, Field(ge=1, le=100_000_000)] | None,
    BeforeValidator(_unlimited),
    WithJsonSchema(_SIZE_SCHEMA),
]
"""A number of flows; `unlimited` is None."""

PortCount = Annotated[
    Annotated[int, Field(ge=1, le=64512)] | None,
    BeforeValidator(_unlimited),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 64512}, {"const": "unlimited"}]}
    ),
]
"""A number of ports from 1024 on; `unlimited` is None: all of them."""

LatePacket = Literal[
    "drop",
    "rst sender",
    "rst inside sender",
    "readmit from inside",
    "readmit from anywhere",
    "pass untranslated",
]
"""What becomes of a packet in mid-stream of a flow that the middlebox does not know."""


class MiddleboxValues(Section):
    """What a middlebox does with the flows that it tracks.

    Attributes:
        idle_timeout: seconds without a packet after which it forgets an established flow; None
            (written `never`) if it does not.
        lifetime: seconds after which it forgets a flow however busy it is; None (written `never`)
            if it does not.
        on_expiry: whom it tells when it forgets a flow: nobody (silent), RST to both, or FIN.
        late_packet: what becomes of a packet, not a SYN, of a flow that it does not know (any
            more): dropped; answered with RST, whoever sent it or only if that was a host inside;
            taken for a new flow if it comes from inside, or from anywhere; passed on as it is,
            without address translation.
        refreshed_by: whose packets restart the idle timeout: those of both sides, or only those
            from inside, or only those from outside.  A packet that opens or closes the flow
            always does.
        keepalive_refreshes: whether a TCP keepalive probe counts as a packet of the flow.
        half_open: seconds that it waits for a handshake to be completed.
        half_closed: seconds that it knows a flow that only one side has closed.
        time_wait: seconds that it knows a flow that both sides have closed.
        after_rst: seconds that it knows a flow after a RST.
        unacknowledged: seconds that it knows a flow whose data nobody acknowledges, if that is
            less than its idle timeout; None (written `never`) if that makes no difference to it.
        table_size: flows that it can know at one time; None (written `unlimited`) if no number
            is known.
        flows_per_source: flows that it can know at one time of the same client address; a SYN
            beyond that is dropped.  None (written `unlimited`) if no number is known.
        eviction: what a new flow meets when the table is full: it is dropped; or the flow goes
            that was silent for longest; or one that never saw an answer, and if all did, the new
            one is dropped.
        nat: whose addresses it translates: nobody's, the client's or the server's.
        nat_ports: ports of its outward address that it uses, if it translates sources: so many
            flows can it know at one time to the same address and port of a server, and a SYN
            beyond that is dropped.  None (written `unlimited`): all from 1024 on.
        port_reuse: what becomes of a SYN that reuses the addresses of a flow that is closed, while
            the flow is still known (`time wait`, `after rst`): it begins a new flow, as RFC 5382,
            REQ-5, and Linux have it; or it is dropped until the old entry is gone.
        terminates_tcp: whether it is a proxy, with one connection to the client and another to
            the server; it then answers keepalive by itself, and no scenario can be played on it.
        engine: what plays it in a lab, where that matters: the kernel's connection tracking, or
            the flow table of our own; any: the first that can, connection tracking preferred.
    """

    idle_timeout: IdleTimeout
    lifetime: IdleTimeout = None
    on_expiry: Literal["silent", "rst both", "fin"] = "silent"
    late_packet: LatePacket = "drop"
    refreshed_by: Literal["both sides", "inside", "outside"] = "both sides"
    keepalive_refreshes: bool = True
    half_open: Exchange = 30.0
    half_closed: Exchange = 120.0
    time_wait: WholeSeconds = 120.0
    after_rst: WholeSeconds = 10.0
    unacknowledged: IdleTimeout = None
    table_size: TableSize = None
    flows_per_source: TableSize = None
    eviction: Literal["drop new", "oldest", "non-assured first"] = "drop new"
    nat: Literal["none", "source", "destination"] = "none"
    nat_ports: PortCount = None
    port_reuse: Literal["new flow", "drop"] = "new flow"
    terminates_tcp: bool = False
    engine: Literal["any", "conntrack", "userspace"] = "any"

    def takes_fractions(self) -> bool:
        """Only connection tracking needs whole seconds."""
        return self.engine == "userspace"
