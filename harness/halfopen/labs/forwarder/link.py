"""One end of a link as a packet socket with a receive ring shared with the kernel.

Sources: packet(7), include/uapi/linux/if_packet.h, Documentation/networking/packet_mmap.rst.
Version 2 of the ring has one frame a slot and no delay; its memory is not charged to the socket's
receive buffer, which an ordinary user cannot make large enough.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import socket
import struct
from collections.abc import Sequence
from typing import Final

from halfopen.labs.forwarder.ring import Ring

_SOL_PACKET: Final = 263
_PACKET_RX_RING, _PACKET_STATISTICS, _PACKET_VERSION = 5, 6, 10
_PACKET_IGNORE_OUTGOING: Final = 23
_TPACKET_V2: Final = 1
_ETH_P_ALL: Final = 3

_SLOT_HEADER: Final = 128  # the header, an address and alignment; less is used
_SLOTS: Final = 4096
BATCH: Final = 128
"""Frames that are sent with one system call."""

_libc = ctypes.CDLL(None, use_errno=True)


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vectors", ctypes.POINTER(_Vector)),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    """struct mmsghdr."""

    _fields_ = (("header", _Header), ("length", ctypes.c_uint))


class Link:
    """Frames of one interface of the calling thread's network namespace.

    Args:
        interface: its name.
        mtu: bytes of an IP packet.

    Attributes:
        ring: the frames that have come.
        vectors: where the frames that are queued lie (struct iovec).
        count: of those.

    Raises:
        OSError: if the kernel has no packet sockets, or there is no such interface.
    """

    def __init__(self, interface: str, mtu: int) -> None:
        slot = 2048
        while slot < mtu + 18 + _SLOT_HEADER:
            slot *= 2
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setblocking(False)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V2)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        block = max(slot, 1 << 16)
        request = struct.pack("=IIII", block, _SLOTS * slot // block, slot, _SLOTS)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_RX_RING, request)
        memory = mmap.mmap(self._socket.fileno(), _SLOTS * slot)
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        self.ring = Ring(memory, address, _SLOTS, slot)
        entries = (_Vector * BATCH)()
        self._messages = (_Message * BATCH)()
        for number in range(BATCH):
            head = self._messages[number].header
            head.vectors = ctypes.pointer(entries[number])
            head.vector_count = 1
        # Plain numbers in the same memory: a ctypes field costs ten times as much.
        self.vectors = memoryview(entries).cast("B").cast("L")
        self.count = 0
        self._copies: list[ctypes.Array[ctypes.c_char]] = []
        self._socket.bind((interface, _ETH_P_ALL))

    def fileno(self) -> int:
        """For :func:`select.select`."""
        return self._socket.fileno()

    def room(self) -> int:
        """Frames that can be queued, at least one: if there is no room, it is made."""
        if self.count == BATCH:
            self.flush()
        return BATCH - self.count

    def queue(self, frames: Sequence[bytes | bytearray]) -> None:
        """Frames are to be sent here."""
        for frame in frames:
            if self.count == BATCH:
                self.flush()
            copy = ctypes.create_string_buffer(bytes(frame), len(frame))
            self._copies.append(copy)
            self.vectors[2 * self.count] = ctypes.addressof(copy)
            self.vectors[2 * self.count + 1] = len(frame)
            self.count += 1

    def flush(self) -> None:
        """Send what is queued; what the link does not take (it is down, or full) is lost."""
        sent = 0
        size = ctypes.sizeof(_Message)
        while sent < self.count:
            first = ctypes.byref(self._messages, sent * size)
            done = _libc.sendmmsg(self._socket.fileno(), first, self.count - sent, 0)
            if done < 0 and ctypes.get_errno() != errno.EINTR:
                done = 1  # this one is refused; the next may not be
            sent += max(done, 0)
        self.count = 0
        self._copies.clear()

    def overflow(self) -> int:
        """Frames that found the ring full since the last call."""
        counts = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        return int(struct.unpack("=II", counts)[1])

    def clear_socket_error(self) -> None:
        """Take the error off the socket that the kernel leaves there when a link goes down."""
        self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
