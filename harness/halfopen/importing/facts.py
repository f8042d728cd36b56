"""What inputs tell: connections, listeners and settings, each with the place where it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from halfopen.model.units import count

Side = Literal["client", "server"]
Late = Literal["drop", "rst", "rst at expiry"]
"""What became of data after a silence: no answer; a RST; or a RST that came by itself before."""


@dataclass(frozen=True)
class SourcedNumber:
    """A number, and where it was read.

    Attributes:
        value: seconds for a time; else as the input has it.
        where: `file:line`, or `file:packet N`.
    """

    value: float
    where: str


@dataclass(frozen=True)
class End:
    """One end of a connection.

    Attributes:
        address: without brackets and interface.
        port: of TCP.
    """

    address: str
    port: int

    def __str__(self) -> str:
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return f"{shown}:{self.port}"


@dataclass(frozen=True)
class SeenKeepalive:
    """What was seen of the keepalive of one side.

    Attributes:
        where: it was seen.
        asked: whether the side asks for keepalive on this connection.
        at_least: seconds; a timer that still had to run for as long.
        idle: seconds of silence before the first probe, seen on the wire.
        interval: seconds between unanswered probes, seen on the wire.
        written: idle time, interval and probes of a configuration file, None for the system's;
            empty if no file was read.
    """

    where: str
    asked: bool = True
    at_least: SourcedNumber | None = None
    idle: SourcedNumber | None = None
    interval: SourcedNumber | None = None
    written: tuple[SourcedNumber | None, ...] = ()


@dataclass(frozen=True)
class SeenOption:
    """An option of a scenario's system, from a configuration file.

    Attributes:
        key: of the option.
        value: of it; empty for one that could not be taken over.
        note: where it comes from.
    """

    key: str
    value: str
    note: str


@dataclass(frozen=True)
class SeenConnection:
    """A TCP connection, as one input shows it, or as a configuration file asks for it.

    Attributes:
        client: the end that connected.
        server: the end that listened.
        where: it was seen.
        state: as the input calls it; empty if it does not.
        sure: whether the input tells which end is the client; else it is guessed from the ports.
        programs: the program at an end, where the input names it.
        keepalive: what was seen of it, for each side.
        silence: longest time without a packet.
        survived: longest silence after which data was acknowledged.
        killed: shortest silence after which data was not.
        late: what became of that data.
        retries: retransmissions of it that were seen.
        tracked: seconds for which a flow table would still have known the connection.
        nat: what the flow table shows of address translation.
        resets: RSTs with the address of a side as source; a middlebox may have sent them.
        options: of the client, from its configuration.
        relp: whether it speaks RELP; None if the input does not tell.
    """

    client: End
    server: End
    where: str
    state: str = ""
    sure: bool = True
    programs: Mapping[Side, str] = field(default_factory=dict)
    keepalive: Mapping[Side, SeenKeepalive] = field(default_factory=dict)
    silence: SourcedNumber | None = None
    survived: SourcedNumber | None = None
    killed: SourcedNumber | None = None
    late: tuple[Late, str] | None = None
    retries: int = 0
    tracked: SourcedNumber | None = None
    nat: Literal["", "source", "destination"] = ""
    resets: Mapping[Side, int] = field(default_factory=dict)
    options: tuple[SeenOption, ...] = ()
    relp: bool | None = None

    def turned(self) -> SeenConnection:
        """With client and server exchanged."""
        other: dict[Side, Side] = {"client": "server", "server": "client"}
        return replace(
            self,
            client=self.server,
            server=self.client,
            programs={other[side]: name for side, name in self.programs.items()},
            keepalive={other[side]: seen for side, seen in self.keepalive.items()},
            resets={other[side]: number for side, number in self.resets.items()},
        )


@dataclass(frozen=True)
class SeenListener:
    """A port that a program listens on.

    Attributes:
        port: of TCP.
        program: its name; empty if the input does not tell.
        where: it was seen.
        keepalive: of accepted connections, from the program's configuration.
        options: from its configuration.
        relp: whether it speaks RELP; None if the input does not tell.
    """

    port: int
    program: str
    where: str
    keepalive: SeenKeepalive | None = None
    options: tuple[SeenOption, ...] = ()
    relp: bool | None = None


@dataclass
class Facts:
    """What was read so far.

    Attributes:
        connections: one for each that an input shows.
        listeners: by port.
        settings: sysctls, as whole numbers.
        shows_timers: whether any `ss` output shows timers (`ss -o`).
    """

    connections: list[SeenConnection] = field(default_factory=list)
    listeners: dict[int, SeenListener] = field(default_factory=dict)
    settings: dict[str, SourcedNumber] = field(default_factory=dict)
    shows_timers: bool = False

    def __str__(self) -> str:
        """What was understood, in words for messages."""
        parts = [
            count(number, noun)
            for number, noun in (
                (len(self.connections), "connection"),
                (len(self.listeners), "listening port"),
                (len(self.settings), "setting"),
            )
            if number
        ]
        return ", ".join(parts) or "nothing"

    def settle(self) -> None:
        """Turn connections whose client was guessed wrongly, by the ports that are listened on."""
        servers = set(self.listeners) | {each.server.port for each in self.connections if each.sure}
        self.connections = [
            each.turned()
            if not each.sure and each.server.port not in servers and each.client.port in servers
            else each
            for each in self.connections
        ]


KNOWN_PORTS = {514: "syslog", 2514: "RELP", 9092: "Kafka"}
"""Ports for which there are systems."""

_EPHEMERAL = 32768  # net.ipv4.ip_local_port_range


def likely_server(one: End, other: End) -> End:
    """The end that more likely listened: a known port, one that is not ephemeral, the lower one."""
    return min(one, other, key=lambda e: (e.port not in KNOWN_PORTS, e.port >= _EPHEMERAL, e.port))
