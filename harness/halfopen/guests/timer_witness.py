"""A program that says when the kernel repeats, probes and gives up; it waits and never polls.

It runs by itself on a host of a lab (`python -I timer_witness.py JSON`) and needs nothing but
Python and CAP_NET_RAW.  With `listen` ([[port, backlog], ...]) it has ports on which it accepts
nothing, `closing` is one on which it closes what its peer closes.  With `connect` it opens
connections: `name`, `address`, `port`, and what it does with each (`does`):

- `idle`: asks for keepalive, with the settings of the host, or `keepalive` ([idle, interval,
  probes]);
- `say`: sends a byte on the cue; `user_timeout_ms` is that of the socket;
- `fill`: sends at once as much as goes, so that the peer's window is closed;
- `open`: only connects, on the cue, to a peer that does not answer;
- `close`, `reset`, `finish`: closes it, resets it, or closes one direction, on the cue;
- `hold`: nothing.

A line on standard input is the cue.  It answers on standard error with events, a JSON object a
line: `ready` with the local `ports` by name, and `ended` for each connection that the kernel gives
up: `errno`, and as moments of CLOCK_MONOTONIC: `heard` (the last packet of the peer; null if there
was none), `sent` (all packets to it since the connection was there, or since a byte was sent) and
`at`.
"""

from __future__ import annotations

import errno
import json
import os
import selectors
import socket
import struct
import sys
import time
from typing import Any

_ETH_P_ALL, _ETH_P_IP = 3, 0x0800  # only who takes all sees what goes out
_OUTGOING = 4  # PACKET_OUTGOING, include/uapi/linux/if_packet.h
_TCP = 6
_MOST = 200  # packets of one connection that are remembered


def _report(event: str, **more: object) -> None:
    sys.stderr.write(json.dumps({"event": event, **more}) + "\n")
    sys.stderr.flush()


class _Connection:
    """A connection, and the packets of it."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.name: str = options["name"]
        self.does: str = options["does"]
        self._peer = (options["address"], options["port"])
        self.sock = socket.socket()
        self.sock.bind(("", 0))
        self.port: int = self.sock.getsockname()[1]
        self.heard: float | None = None
        self.sent: list[float] = []
        if self.does == "idle":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            kinds = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
            for kind, value in zip(kinds, options.get("keepalive") or (), strict=False):
                self.sock.setsockopt(socket.IPPROTO_TCP, kind, value)
        if patience := options.get("user_timeout_ms"):
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience)
        if self.does != "open":
            self.sock.settimeout(30)
            self.sock.connect(self._peer)
        self.sock.setblocking(False)

    def begin(self) -> None:
        """What it does before the cue."""
        self.sent.clear()
        if self.does == "fill":
            try:
                while True:
                    self.sock.send(bytes(65536))
            except BlockingIOError:
                pass

    def cue(self) -> None:
        """What it does on the cue."""
        match self.does:
            case "say":
                self.sent.clear()
                self.sock.send(b"?")
            case "open":
                self.sock.connect_ex(self._peer)
            case "close":
                self.sock.close()
            case "reset":
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.sock.close()
            case "finish":
                self.sock.shutdown(socket.SHUT_WR)

    def ended(self) -> bool:
        """Whether the kernel has given it up; if so, that is reported."""
        number = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if not number:
            return False
        _report(
            "ended",
            name=self.name,
            errno=errno.errorcode.get(number, str(number)),
            heard=self.heard,
            sent=self.sent[:_MOST],
            at=time.monotonic(),
        )
        return True


def _packets(raw: socket.socket, connections: dict[int, _Connection]) -> None:
    """Note the packets that have come; their moment is now, as this runs at once."""
    now = time.monotonic()
    while True:
        try:
            packet, (_, protocol, way, _, _) = raw.recvfrom(128)
        except BlockingIOError:
            return
        if protocol != _ETH_P_IP or packet[9] != _TCP:
            continue
        size = (packet[0] & 15) * 4
        source, target = struct.unpack_from("!HH", packet, size)
        if way == _OUTGOING:
            if source in connections:
                connections[source].sent.append(now)
        elif target in connections:
            connections[target].heard = now


def _main() -> None:
    task = json.loads(sys.argv[1])
    selector = selectors.DefaultSelector()
    _kept = [socket.create_server(("", port), backlog=n) for port, n in task.get("listen", [])]
    if port := task.get("closing"):
        server = socket.create_server(("", port), backlog=10)
        selector.register(server, selectors.EVENT_READ, "closing")
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
    raw.setblocking(False)
    connections: dict[int, _Connection] = {}
    for options in task.get("connect", []):
        one = _Connection(options)
        connections[one.port] = one
        _packets(raw, connections)
    time.sleep(0.5)  # nothing is under way any more, delayed acknowledgements included
    _packets(raw, connections)
    for one in connections.values():
        one.begin()
    selector.register(raw, selectors.EVENT_READ, "packets")
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ, "cue")
    for one in connections.values():
        if one.does in ("idle", "say", "fill"):
            selector.register(one.sock, selectors.EVENT_READ, "held")
    _report("ready", ports={one.name: one.port for one in connections.values()})
    by_sock = {one.sock: one for one in connections.values()}
    while True:
        for key, _ in selector.select():
            sock: Any = key.fileobj
            if key.data == "packets":
                _packets(raw, connections)
            elif key.data == "closing":
                accepted, _ = sock.accept()
                selector.register(accepted, selectors.EVENT_READ, "accepted")
            elif key.data == "accepted":
                selector.unregister(sock)
                sock.close()
            elif key.data == "cue":
                if not os.read(sys.stdin.fileno(), 65536):
                    return
                for one in connections.values():
                    one.cue()
                    if one.does == "open":
                        selector.register(one.sock, selectors.EVENT_WRITE, "held")
            elif by_sock[sock].ended():
                _packets(raw, connections)
                selector.unregister(sock)


if __name__ == "__main__":
    _main()
