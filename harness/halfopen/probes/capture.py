"""Inside the sandbox: writes what links carry into files, one for each link.

A process of its own, so that it takes nothing from whoever samples.  Each link is listened to at
one end by a packet socket (packet(7)), which sees both directions.  Memory is bounded by the
sockets' buffers: what does not fit there the kernel drops, and the file says at its end how much
that was.

The first line of standard input says what to capture: a list of `{"namespace", "interface",
"host", "neighbour", "file"}`.  A line `ready` is the answer when it has begun; standard input's end
ends it.
"""

from __future__ import annotations

import json
import selectors
import socket
import struct
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from halfopen.pcap.blocks import SNAPLEN
from halfopen.pcap.files import CaptureWriter, Frame, Heading
from halfopen.probes import namespaces

_EVERY_PROTOCOL = 3  # ETH_P_ALL, linux/if_ether.h
_OUTGOING = 4  # PACKET_OUTGOING, linux/if_packet.h
_SOL_PACKET, _PACKET_STATISTICS = 263, 6  # linux/socket.h, linux/if_packet.h
_SO_TIMESTAMPNS = 35  # asm-generic/socket.h
_SO_RCVBUFFORCE = 33
_BUFFER = 16 << 20
_LOT = 256

_timespec = struct.Struct("@qq")
_statistics = struct.Struct("@II")


class LinkCapture:
    """Captures one link.

    Args:
        order: where, and into which file.
    """

    def __init__(self, order: Mapping[str, str]) -> None:
        namespaces.enter(order["namespace"])
        # Without a protocol it hears nothing until it is bound to its interface.
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        except PermissionError:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.socket.setblocking(False)
        self.socket.bind((order["interface"], _EVERY_PROTOCOL))
        file = Path(order["file"]).open("xb", buffering=0)  # noqa: SIM115 - until the process ends
        heading = Heading(order["host"], order["neighbour"], order["interface"])
        self._writer = CaptureWriter(file, heading)

    def read(self) -> bool:
        """Write a lot of what has come; False if there was nothing."""
        frames = []
        for _ in range(_LOT):
            try:
                data, more, _, address = self.socket.recvmsg(SNAPLEN, 64)
            except BlockingIOError:
                break
            except OSError:
                continue  # the interface went down, and says so once
            frames.append(Frame(_stamp(more), address[2] == _OUTGOING, data))
        self._writer.write(frames)
        return bool(frames)

    def end(self) -> None:
        """Write what there still is, and the figures."""
        while self.read():
            pass
        said = self.socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, _statistics.size)
        received, dropped = _statistics.unpack(said)
        self._writer.statistics(time.time_ns(), received, dropped)


def _stamp(more: list[tuple[int, int, bytes]]) -> int:
    for level, kind, data in more:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _timespec.unpack_from(data)
            return int(seconds * 1_000_000_000 + nanoseconds)
    return time.time_ns()


def main() -> None:
    """Capture until standard input ends."""
    orders: list[dict[str, Any]] = json.loads(sys.stdin.readline())
    links = [LinkCapture(order) for order in orders]
    with selectors.DefaultSelector() as selector:
        for link in links:
            selector.register(link.socket, selectors.EVENT_READ, link)
        selector.register(sys.stdin, selectors.EVENT_READ)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            ready = [key.data for key, _ in selector.select()]
            for link in ready:
                if link is not None:
                    link.read()
            if None in ready:  # nothing more is said there but its end
                break
    for link in links:
        link.end()


if __name__ == "__main__":
    main()
