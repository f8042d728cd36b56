"""Records about the network: sockets, flows, and what did not get through."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from halfopen.model.records._base import OfHost


class SocketFields(TypedDict):
    """TCP socket in a `sockets` record (from the kernel's sock_diag).

    Attributes:
        local: `address:port`.
        peer: `address:port`, empty when listening.
        state: as in `ss`: ESTABLISHED, LISTEN, CLOSE_WAIT, ...
        timer: what its timer waits for: off, retransmit, keepalive, timewait, persist.
        timer_s: seconds until that timer fires.
        retrans: unanswered retransmissions or keepalive probes.
        unacked: segments sent and not acknowledged.
        last_heard_s: seconds since data or an ACK came from the peer.
        pid: process that holds it; 0 if none does any longer.
        rqueue: bytes received and not read; connections that wait, when listening.
        wqueue: bytes written and not acknowledged; connections that may wait, when listening.
    """

    local: str
    peer: str
    state: str
    timer: NotRequired[str]
    timer_s: NotRequired[float]
    retrans: NotRequired[int]
    unacked: NotRequired[int]
    last_heard_s: NotRequired[float | None]
    pid: NotRequired[int]
    rqueue: NotRequired[int]
    wqueue: NotRequired[int]


class SocketsRecord(OfHost):
    """TCP sockets of a host; a sample.

    The first sample of a host has all of them, a later one what is not as it was. In what is not
    listed again only clocks went on: `timer_s` became less, `last_heard_s` more.

    Attributes:
        sockets: each with the fields below; all of them, or with `gone` those that are new or have
            changed since the host's last sample.
        gone: `[local, peer]` of each socket that is no longer there; not in the first sample.
        late_s: seconds that the sample was put off after something changed, because there is so
            much to see.
    """

    kind: Literal["sockets"]
    sockets: list[SocketFields]
    gone: NotRequired[list[list[str]]]
    late_s: NotRequired[float]


class UnsampledRecord(OfHost):
    """Connections of a host that no sample shows as ESTABLISHED, though they were.

    They were opened and closed between two samples: the kernel reports the end of every socket.
    Connections of the host with itself are left out. The first record of a host has none: it says
    that its connections are followed in this way.

    Attributes:
        connections: `[local, peer]` of each.
        perhaps: further sockets that ended, of which the kernel does not tell whether they were
            connected; those are left out that its counter of failed attempts explains.
        lost: true if ends of sockets were not reported, because there were too many at once.
    """

    kind: Literal["unsampled"]
    connections: list[list[str]]
    perhaps: NotRequired[int]
    lost: NotRequired[bool]


class KeepalivesRecord(OfHost):
    """Keepalive probes of a host.

    Attributes:
        sent: probes that the host's kernel has sent since the run began.
    """

    kind: Literal["keepalives"]
    sent: int


class FlowEntry(TypedDict):
    """Entry of a flow table in a `conntrack` record.

    Attributes:
        client: `address:port` as the client sees it.
        server: `address:port` as the client sees it.
        outside: client and server as the server sees them, if the middlebox translates addresses.
        state: as conntrack names it.
        expires_s: seconds until the entry expires if no packet comes; null for never.
    """

    client: str
    server: str
    outside: NotRequired[list[str]]
    state: str
    expires_s: float | None


class ConntrackRecord(OfHost):
    """Flow table of a middlebox; a sample.

    The first sample of a middlebox has all of it, a later one what is not as it was. Of what is not
    listed again only `expires_s` became less.

    Attributes:
        entries: each with the fields below; all of them, or with `gone` those that are new or have
            changed since the last sample.
        gone: `[client, server]` of each entry that is no longer there; not in the first sample.
    """

    kind: Literal["conntrack"]
    entries: list[FlowEntry]
    gone: NotRequired[list[list[str]]]


class FlowRecord(OfHost):
    """Change in the flow table of a middlebox.

    Attributes:
        event: what happened.
        client: `address:port` as the client sees it.
        server: `address:port` as the client sees it.
        outside: client and server as the server sees them, if the middlebox translates addresses.
        state: as conntrack names it.
        cause: why the entry is gone; only with `destroyed`.
    """

    kind: Literal["flow"]
    event: Literal["created", "destroyed"]
    client: str
    server: str
    outside: NotRequired[list[str]]
    state: str
    cause: NotRequired[Literal["expired", "lifetime", "forgotten", "closed", "evicted"]]


class DropsRecord(OfHost):
    """Packets that did not get through a middlebox since the run began; a sample.

    Attributes:
        packets: late packets, which fitted no entry of the flow table.
        bytes: of the late packets.
        blocked: packets that a fault kept from getting through.
        full: packets of new flows that found the flow table full (engine `userspace`).
        lost: packets that an impairment lost (engine `userspace`).
        overflow: frames that came faster than the engine could take them (engine `userspace`).
    """

    kind: Literal["drops"]
    packets: int
    bytes: int
    blocked: int
    full: NotRequired[int]
    lost: NotRequired[int]
    overflow: NotRequired[int]


class CaptureRecord(OfHost):
    """Start of the capture of a link; `host` is the end at which packets are captured.

    Attributes:
        neighbour: the host at the other end.
        file: name of the capture's file.
        realtime_s: seconds since 1970 at `t`, as in the file.
    """

    kind: Literal["capture"]
    neighbour: str
    file: str
    realtime_s: float
