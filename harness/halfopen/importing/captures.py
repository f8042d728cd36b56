"""Packets of pcap and pcapng files, whatever link they were captured on.

pcapng is read by python-pcapng (several interfaces, both byte orders, any resolution of times);
pcap (tcpdump's format, pcap-savefile(5)) has a header of 24 bytes and one of 16 for each packet.
"""

from __future__ import annotations

import mmap
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from halfopen.errors import InputError, Problem
from halfopen.importing.facts import Facts
from halfopen.pcap.packets import TCP, Segment, read_segment

_PCAP = {  # magic number -> byte order, parts of a second
    b"\xd4\xc3\xb2\xa1": ("<", 1e6),
    b"\xa1\xb2\xc3\xd4": (">", 1e6),
    b"\x4d\x3c\xb2\xa1": ("<", 1e9),
    b"\xa1\xb2\x3c\x4d": (">", 1e9),
}
_PCAPNG = b"\n\r\r\n"
_GZIP = b"\x1f\x8b"
_HEADER, _RECORD = 24, 16
_LONGEST_PACKET = 1 << 20  # bytes; tcpdump keeps at most 262144

# Link types (www.tcpdump.org/linktypes.html)
_ETHERNET, _SLL, _SLL2 = 1, 113, 276
_ADDRESSLESS = {0: 4, 108: 4, 12: 0, 14: 0, 101: 0, 228: 0, 229: 0}  # -> bytes before IP
_VLAN = (b"\x81\x00", b"\x88\xa8", b"\x91\x00")

REMEDY = "write it with `tcpdump -w`"
_WHOLE = "`editcap FILE WHOLE.pcapng` keeps the packets before it"


@dataclass(frozen=True)
class CapturedPacket:
    """A TCP segment of a capture.

    Attributes:
        number: of the packet in the file, from 1 on, as Wireshark counts.
        time: seconds since 1970.
        segment: what it says.
    """

    number: int
    time: float
    segment: Segment


@dataclass(frozen=True)
class _Raw:
    time: float | None
    link: int
    data: bytes
    original: int  # bytes that it had


def read_packets(path: Path, facts: Facts) -> Iterator[CapturedPacket]:
    """The TCP segments of a capture, in the order of the file.

    Args:
        path: the file.
        facts: what was understood so far; messages say it.

    Raises:
        InputError: for a file of another kind, a damaged or cut one, and a link that is not known.
    """
    try:
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise _wrong(path, 1, "the file is empty", REMEDY) from None
    except OSError as error:
        raise _wrong(path, 1, f"cannot be read: {error.strerror}") from None
    with data:
        for number, raw in enumerate(_raw(path, data, facts), 1):
            frame = _ethernet(raw)
            if frame is None:
                known = "Ethernet, Linux cooked, raw IP, loopback"
                what = f"packet {number} is of link type {raw.link}"
                raise _wrong(path, number, what, f"known: {known}; {REMEDY}")
            segment = read_segment(frame) if frame and raw.time is not None else None
            if raw.time is not None and segment is not None and segment.protocol == TCP:
                yield CapturedPacket(number, raw.time, segment)


def _wrong(path: Path, number: int, what: str, remedy: str = "") -> InputError:
    return InputError([Problem(str(path), number, what, remedy)])


def _raw(path: Path, data: mmap.mmap, facts: Facts) -> Iterator[_Raw]:
    magic = data[:4]
    if magic in _PCAP:
        return _pcap(path, data, facts)
    if magic == _PCAPNG:
        return _pcapng(path, data, facts)
    if magic[:2] == _GZIP:
        raise _wrong(path, 1, "the file is compressed", "unpack it with gunzip")
    what = f"neither a pcap nor a pcapng file: it begins with 0x{magic.hex()}"
    raise _wrong(path, 1, what, REMEDY)


def _pcap(path: Path, data: mmap.mmap, facts: Facts) -> Iterator[_Raw]:
    order, parts = _PCAP[data[:4]]
    if len(data) < _HEADER:
        raise _cut(path, 1, 0, facts)
    link = struct.unpack_from(order + "I", data, 20)[0] & 0x0FFFFFFF  # above: length of the FCS
    record = struct.Struct(order + "IIII")
    place, number = _HEADER, 0
    while place < len(data):
        number += 1
        if place + _RECORD > len(data):
            raise _cut(path, number, place, facts)
        seconds, fraction, kept, original = record.unpack_from(data, place)
        if kept > _LONGEST_PACKET:
            what = f"packet {number}, at byte {place}, would have {kept} bytes: the file is damaged"
            raise _wrong(path, number, what, f"understood before it: {facts}; {_WHOLE}")
        begin = place + _RECORD
        place = begin + kept
        if place > len(data):
            raise _cut(path, number, begin - _RECORD, facts)
        yield _Raw(seconds + fraction / parts, link, data[begin:place], original)


def _cut(path: Path, number: int, place: int, facts: Facts) -> InputError:
    what = f"the capture is cut in packet {number}, at byte {place}"
    return _wrong(path, number, what, f"understood before it: {facts}; {_WHOLE}")


def _pcapng(path: Path, data: mmap.mmap, facts: Facts) -> Iterator[_Raw]:
    from pcapng import FileScanner
    from pcapng.blocks import BasePacketBlock
    from pcapng.exceptions import TruncatedFile

    number, place = 0, 0
    blocks = iter(FileScanner(data))
    while True:
        try:
            # Its own code warns of its own code (2.1.1).
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                block = next(blocks, None)
                raw = None
                if isinstance(block, BasePacketBlock):
                    time = getattr(block, "timestamp", None)  # a simple packet has none
                    kept = bytes(block.packet_data)
                    raw = _Raw(time, block.interface.link_type, kept, block.packet_len)
        except TruncatedFile:
            raise _cut(path, number + 1, place, facts) from None
        except Exception as error:  # whatever a damaged block leads to in the library
            what = f"the block at byte {place}, after packet {number}, is damaged: {error}"
            raise _wrong(
                path, number + 1, what, f"understood before it: {facts}; {_WHOLE}"
            ) from None
        if block is None:
            if place < len(data):
                raise _cut(path, number + 1, place, facts)
            return
        place = data.tell()
        if raw is not None:
            number += 1
            yield raw


def _ethernet(raw: _Raw) -> bytes | None:
    """The packet with an Ethernet header, and as long as it was; None for an unknown link.

    A capture with a snapshot length (`tcpdump -s 96`) keeps the headers only: what is missing
    counts, so zeros take its place.
    """
    missing = bytes(min(max(raw.original - len(raw.data), 0), 65535))
    data = raw.data
    if raw.link == _ETHERNET:
        while data[12:14] in _VLAN:
            data = data[:12] + data[16:]
        return data + missing
    if raw.link == _SLL:
        return bytes(12) + data[14:] + missing
    if raw.link == _SLL2:
        return bytes(12) + data[:2] + data[20:] + missing
    if raw.link in _ADDRESSLESS:
        data = data[_ADDRESSLESS[raw.link] :]
        kind = b"\x86\xdd" if data[:1] and data[0] >> 4 == 6 else b"\x08\x00"
        return bytes(12) + kind + data + missing
    return None
