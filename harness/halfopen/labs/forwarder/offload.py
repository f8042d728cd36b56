"""Switches off what a host leaves to its network card, so that the wire carries true packets.

On a veth pair nobody does what was left: frames cross it larger than the MTU and with unfinished
checksums.  A middlebox that looks at frames would see segments that no wire ever carried.
Source: include/uapi/linux/ethtool.h, Documentation/networking/segmentation-offloads.rst.
"""

from __future__ import annotations

import array
import fcntl
import socket
import struct
from typing import Final

_SIOCETHTOOL: Final = 0x8946
_SET_TX_CHECKSUM, _SET_TSO, _SET_GSO, _SET_GRO = 0x17, 0x1F, 0x24, 0x2C


def switch_off(interface: str) -> None:
    """Make the kernel finish checksums and segments before they reach `interface`.

    Of an interface of the calling thread's network namespace.

    Raises:
        OSError: if the kernel refuses.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for command in (_SET_TSO, _SET_GSO, _SET_GRO, _SET_TX_CHECKSUM):
            value = array.array("I", [command, 0])
            address, _ = value.buffer_info()
            request = struct.pack("16sP", interface.encode(), address)
            fcntl.ioctl(any_socket, _SIOCETHTOOL, request)
