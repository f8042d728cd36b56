"""The packets of one link in a file, as Wireshark opens it.

Only whole blocks are written, each lot by one system call: a file whose writer was killed reads.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from halfopen.pcap import blocks

SUFFIX = ".pcapng"
DIRECTORY = "captures"
"""Where the files lie, below the directory of a run."""

_INBOUND, _OUTBOUND = 1, 2  # the two lowest bits of a packet's flags
_DIRECTION = 3
_TOWARDS = " towards "
_FLAGS = {way: (blocks.FLAGS, way.to_bytes(4, "little")) for way in (_INBOUND, _OUTBOUND)}


@dataclass(frozen=True)
class Frame:
    """A frame on a link.

    Attributes:
        time_ns: nanoseconds since 1970 (CLOCK_REALTIME).
        outbound: the host at which the capture was taken sent it; else it received it.
        data: from the Ethernet header on.
        comment: what is said of it; empty if nothing is.
    """

    time_ns: int
    outbound: bool
    data: bytes
    comment: str = ""

    def block(self) -> bytes:
        """As it stands in a file."""
        options = [_FLAGS[_OUTBOUND if self.outbound else _INBOUND]]
        if self.comment:
            options.append((blocks.COMMENT, self.comment.encode()))
        return blocks.packet(self.time_ns, self.data, options)


@dataclass(frozen=True)
class Heading:
    """Where a capture was taken.

    Attributes:
        host: at which.
        neighbour: at the other end of the link.
        interface: of the host.
    """

    host: str
    neighbour: str
    interface: str

    def octets(self) -> bytes:
        """The first blocks of a file."""
        system = os.uname().sysname.encode()
        description = f"{self.host}{_TOWARDS}{self.neighbour}".encode()
        return blocks.section(
            [(blocks.OPERATING_SYSTEM, system), (blocks.APPLICATION, b"halfopen")]
        ) + blocks.interface(
            [(blocks.NAME, self.interface.encode()), (blocks.DESCRIPTION, description)]
        )


class CaptureWriter:
    """Writes a file.

    Args:
        file: opened for writing bytes, unbuffered.
        heading: of the file.
    """

    def __init__(self, file: IO[bytes], heading: Heading) -> None:
        self._file = file
        self._file.write(heading.octets())

    def write(self, frames: Iterable[Frame]) -> None:
        """Append frames; they are in the kernel's hands when this returns."""
        if lot := b"".join(frame.block() for frame in frames):
            self._file.write(lot)

    def statistics(self, time_ns: int, received: int, dropped: int) -> None:
        """Say how many frames there were, and how many of them nobody had room for."""
        figures = ((blocks.RECEIVED, received), (blocks.DROPPED, dropped))
        options = [(code, number.to_bytes(8, "little")) for code, number in figures]
        self._file.write(blocks.statistics(time_ns, options))


@dataclass
class Capture:
    """A file that was read.

    Attributes:
        heading: where it was taken.
        frames: in the order of the file.
        dropped: frames that are missing, as far as that is known.
        rest: blocks behind the frames, as they are.
    """

    heading: Heading
    frames: list[Frame]
    dropped: int = 0
    rest: bytes = b""

    def write(self, path: Path) -> None:
        """Write it to `path`, whole or not at all."""
        beside = path.with_name(path.name + ".new")
        beside.unlink(missing_ok=True)  # of a writer that was killed
        with beside.open("xb") as file:
            file.write(self.heading.octets())
            file.writelines(frame.block() for frame in self.frames)
            file.write(self.rest)
        beside.replace(path)


def read_capture(path: Path) -> Capture:
    """The capture in a file; what a killed writer left unfinished at its end is passed over.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is not one that :class:`CaptureWriter` wrote.
    """
    heading: Heading | None = None
    frames: list[Frame] = []
    found = Capture(Heading("", "", ""), frames)
    for kind, body, whole in blocks.split(path.read_bytes()):
        if kind == blocks.INTERFACE:
            options = dict(blocks.read_options(body[8:]))
            name = options.get(blocks.NAME, b"").decode()
            host, _, neighbour = options.get(blocks.DESCRIPTION, b"").decode().partition(_TOWARDS)
            heading = Heading(host, neighbour, name)
        elif kind == blocks.PACKET:
            time_ns, data, given = blocks.read_packet(body)
            options = dict(given)
            flags = int.from_bytes(options.get(blocks.FLAGS, b""), "little")
            comment = options.get(blocks.COMMENT, b"").decode("utf-8", "replace")
            frames.append(Frame(time_ns, flags & _DIRECTION == _OUTBOUND, data, comment))
        elif kind == blocks.STATISTICS:
            options = dict(blocks.read_options(body[12:]))
            found.dropped = int.from_bytes(options.get(blocks.DROPPED, b""), "little")
            found.rest += whole
    if heading is None:
        raise ValueError(f"{path} is no capture of a link")
    found.heading = heading
    return found
