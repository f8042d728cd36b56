"""The receive ring of a packet socket: frames in memory that is shared with the kernel.

Sources: packet(7), include/uapi/linux/if_packet.h, Documentation/networking/packet_mmap.rst.
"""

from __future__ import annotations

import errno
import mmap
from dataclasses import dataclass

from halfopen.labs.forwarder.loops import give_back
from halfopen.labs.forwarder.loops.pure import CHECKSUM_NOT_READY, FOR_US, SLOT


@dataclass(slots=True)
class Ring:
    """Slots of one frame each, which the kernel fills in order.

    What was taken stays where it is until :meth:`give_back`.

    Attributes:
        memory: that they lie in.
        address: of it in this process.
        count: of the slots.
        size: bytes of a slot.
        next: number of the slot that is filled next; may be `count` or more until
            :meth:`give_back`.
    """

    memory: mmap.mmap | bytearray
    address: int
    count: int
    size: int
    next: int = 0

    def take(self) -> tuple[int, int, bool] | None:
        """The next frame: its start, bytes, whether its checksum is unfinished; None if none.

        Raises:
            OSError: EMSGSIZE for a frame longer than the link should have.
        """
        slot = self.next % self.count * self.size
        status, length, captured, offset = SLOT.unpack_from(self.memory, slot)
        if not status & FOR_US:
            return None
        if captured < length:
            raise OSError(
                errno.EMSGSIZE, f"a frame of {length} bytes is longer than its link takes"
            )
        self.next += 1
        return slot + offset, length, bool(status & CHECKSUM_NOT_READY)

    def give_back(self, count: int) -> None:
        """Let the kernel use the slots of the last `count` frames again."""
        give_back(self.memory, (self.next - count, count, self.count, self.size))
        self.next %= self.count
