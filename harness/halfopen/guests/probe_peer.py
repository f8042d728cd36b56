"""A program that holds connections and says what the kernel does with them.

It runs by itself on a host of a lab (`python -I probe_peer.py JSON`), needs nothing but Python, and
never touches a connection that it was not told to.  Its argument: `listen`, a list of ports with
options; `connect`, a list of connections with `name`, `address`, `port`, options, and the numbers
of the cues (`say`) at which it sends a byte on them; with `fill` it sends at once as much as
goes.  A listener echoes, or if it is `deaf` reads nothing, ever.  Options: `keepalive` ([idle,
interval, probes] or null), `user_timeout_ms`.  A line on standard input is a cue.  It answers on
standard error with events, a JSON object a line:

- `ready`: all connections are there.
- `heard`: the peer was heard again after `silent` seconds.
- `echo`: the peer answered a byte, `after` seconds.
- `ended`: the kernel gave a connection up: `errno`, `silent` since the peer was last heard, `after`
  since a byte was sent (null if none is outstanding), and the smoothed `rtt`, all in seconds.
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

_POLL_S = 0.02
# struct tcp_info (include/uapi/linux/tcp.h): milliseconds since data, and an ACK, were received;
# microseconds of the smoothed round trip.
_TCP_INFO = struct.Struct("=52xII8xI")


def _set(sock: socket.socket, options: dict[str, Any]) -> None:
    keepalive = options.get("keepalive")
    if keepalive:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in zip(
        (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT),
        keepalive or (),
        strict=False,
    ):
        sock.setsockopt(socket.IPPROTO_TCP, option, value)
    if patience := options.get("user_timeout_ms"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience)


def _report(event: str, **more: object) -> None:
    sys.stderr.write(json.dumps({"event": event, **more}) + "\n")
    sys.stderr.flush()


class _Held:
    """A connection that this side opened."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.name: str = options["name"]
        self.cues: list[int] = options.get("say", [])
        self.sock = socket.socket()
        _set(self.sock, options)
        self.sock.settimeout(30)
        self.sock.connect((options["address"], options["port"]))
        self.said: float | None = None
        if not options.get("fill"):
            # There and back: then both sides have been heard, and nothing is outstanding.
            self.sock.sendall(b"?")
            self.sock.recv(1)
        self.sock.setblocking(False)
        self.heard = time.monotonic()
        self.rtt = 0.0
        if options.get("fill"):
            self.fill()

    def fill(self) -> None:
        """Send until the peer's window, and the buffer here, are full."""
        self.said = time.monotonic()
        try:
            while True:
                self.sock.send(bytes(65536))
        except BlockingIOError:
            return

    def look(self) -> None:
        """See whether the peer was heard again."""
        info = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        data, ack, rtt = _TCP_INFO.unpack(info)
        self.rtt = rtt / 1e6
        heard = time.monotonic() - min(data, ack) / 1000
        if heard > self.heard + 4 * _POLL_S:
            _report("heard", name=self.name, silent=round(heard - self.heard, 3))
            self.heard = heard

    def say(self) -> None:
        try:
            self.said = time.monotonic()
            self.sock.send(b"?")
        except OSError as error:
            self.end(error.errno or 0)

    def receive(self) -> bool:
        """Take what the kernel has; False when it has given the connection up."""
        now = time.monotonic()
        try:
            data = self.sock.recv(100)
        except BlockingIOError:
            return True
        except OSError as error:
            return self.end(error.errno or 0)
        if not data:
            return self.end(0)
        if self.said is not None:
            _report("echo", name=self.name, after=round(now - self.said, 3))
        self.said = None
        return True

    def end(self, number: int) -> bool:
        now = time.monotonic()
        _report(
            "ended",
            name=self.name,
            errno=errno.errorcode.get(number, "end of file"),
            silent=round(now - self.heard, 3),
            after=None if self.said is None else round(now - self.said, 3),
            rtt=round(self.rtt, 6),
        )
        return False


def _main() -> None:
    task = json.loads(sys.argv[1])
    selector = selectors.DefaultSelector()
    for each in task.get("listen", []):
        listener = socket.create_server(("", each["port"]), backlog=100)
        _set(listener, each)  # what is accepted inherits it
        kind = "deaf" if each.get("deaf") else "listener"
        selector.register(listener, selectors.EVENT_READ, kind)
    deaf: list[socket.socket] = []  # open for as long as this runs
    held: dict[socket.socket, _Held] = {}
    for each in task.get("connect", []):
        connection = _Held(each)
        held[connection.sock] = connection
        selector.register(connection.sock, selectors.EVENT_READ, "held")
    os.set_blocking(sys.stdin.fileno(), False)
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ, "cues")
    _report("ready")
    cue = 0
    while True:
        for key, _ in selector.select(_POLL_S if held else None):
            sock: Any = key.fileobj
            if key.data == "deaf":
                deaf.append(sock.accept()[0])
            elif key.data == "listener":
                accepted, _ = sock.accept()
                selector.register(accepted, selectors.EVENT_READ, "accepted")
            elif key.data == "accepted":
                try:
                    data = sock.recv(100)
                    if data:
                        sock.send(data)
                        continue
                except OSError:
                    pass
                selector.unregister(sock)
                sock.close()
            elif key.data == "cues":
                lines = os.read(sys.stdin.fileno(), 65536)
                if not lines:
                    return
                for _ in range(lines.count(b"\n")):
                    cue += 1
                    for each in held.values():
                        if cue in each.cues:
                            each.say()
            elif not held[sock].receive():
                selector.unregister(sock)
                del held[sock]
        for each in held.values():
            each.look()


if __name__ == "__main__":
    _main()
