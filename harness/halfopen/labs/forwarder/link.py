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
from collections.abc import Iterator, Sequence
from typing import Final

_SOL_PACKET: Final = 263
_PACKET_RX_RING, _PACKET_STATISTICS, _PACKET_VERSION = 5, 6, 10
_PACKET_IGNORE_OUTGOING: Final = 23
_TPACKET_V2: Final = 1
_ETH_P_ALL: Final = 3
_FOR_US, _CHECKSUM_NOT_READY = 1, 8

# struct tpacket2_hdr: status, length, captured length, offset of the frame.
_SLOT: Final = struct.Struct("=IIIH")
_SLOT_HEADER: Final = 128  # the header, an address and alignment; less is used
_SLOTS: Final = 4096
_BATCH: Final = 128
_FREE: Final = bytes(4)

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
        ring: the memory that the frames lie in.

    Raises:
        OSError: if the kernel has no packet sockets, or there is no such interface.
    """

    def __init__(self, interface: str, mtu: int) -> None:
        self._longest = mtu + 18
        slot = 2048
        while slot < self._longest + _SLOT_HEADER:
            slot *= 2
        self._slot_size = slot
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setblocking(False)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V2)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        block = max(slot, 1 << 16)
        ring = struct.pack("=IIII", block, _SLOTS * slot // block, slot, _SLOTS)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_RX_RING, ring)
        self.ring = mmap.mmap(self._socket.fileno(), _SLOTS * slot)
        self._memory = ctypes.addressof(ctypes.c_char.from_buffer(self.ring))
        self._next = 0
        self._vectors = (_Vector * _BATCH)()
        self._messages = (_Message * _BATCH)()
        for number in range(_BATCH):
            head = self._messages[number].header
            head.vectors = ctypes.pointer(self._vectors[number])
            head.vector_count = 1
        # Plain numbers in the same memory: a ctypes field costs ten times as much.
        self._plain = memoryview(self._vectors).cast("B").cast("L")
        self._count = 0
        self._copies: list[ctypes.Array[ctypes.c_char]] = []
        self._socket.bind((interface, _ETH_P_ALL))

    def fileno(self) -> int:
        """For :func:`select.select`."""
        return self._socket.fileno()

    def frames(self, most: int = _BATCH) -> Iterator[tuple[int, int, bool]]:
        """The frames that have come: start in the ring, bytes, whether a checksum is unfinished.

        What was yielded stays where it is until :meth:`give_back`.

        Raises:
            OSError: EMSGSIZE for a frame longer than the link should have.
        """
        for number in range(self._next, self._next + most):
            slot = number % _SLOTS * self._slot_size
            status, length, captured, offset = _SLOT.unpack_from(self.ring, slot)
            if not status & _FOR_US:
                return
            if captured < length:
                raise OSError(
                    errno.EMSGSIZE, f"a frame of {length} bytes is longer than its link takes"
                )
            self._next = number + 1
            yield slot + offset, length, bool(status & _CHECKSUM_NOT_READY)

    def give_back(self, count: int) -> None:
        """Let the kernel use the slots of the last `count` frames again."""
        for number in range(self._next - count, self._next):
            slot = number % _SLOTS * self._slot_size
            self.ring[slot : slot + 4] = _FREE
        self._next %= _SLOTS

    def queue_from(self, other: Link, start: int, octets: int) -> None:
        """A frame in the ring of `other` is to be sent here, from where it lies."""
        if self._count == _BATCH:
            self.flush()
        self._plain[2 * self._count] = other._memory + start
        self._plain[2 * self._count + 1] = octets
        self._count += 1

    def queue(self, frames: Sequence[bytes | bytearray]) -> None:
        """Frames are to be sent here."""
        for frame in frames:
            if self._count == _BATCH:
                self.flush()
            copy = ctypes.create_string_buffer(bytes(frame), len(frame))
            self._copies.append(copy)
            self._plain[2 * self._count] = ctypes.addressof(copy)
            self._plain[2 * self._count + 1] = len(frame)
            self._count += 1

    def flush(self) -> None:
        """Send what is queued; what the link does not take (it is down, or full) is lost."""
        sent = 0
        size = ctypes.sizeof(_Message)
        while sent < self._count:
            first = ctypes.byref(self._messages, sent * size)
            done = _libc.sendmmsg(self._socket.fileno(), first, self._count - sent, 0)
            if done < 0 and ctypes.get_errno() != errno.EINTR:
                done = 1  # this one is refused; the next may not be
            sent += max(done, 0)
        self._count = 0
        self._copies.clear()

    def overflow(self) -> int:
        """Frames that found the ring full since the last call."""
        counts = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        return int(struct.unpack("=II", counts)[1])

    def clear_socket_error(self) -> None:
        """Take the error off the socket that the kernel leaves there when a link goes down."""
        self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
