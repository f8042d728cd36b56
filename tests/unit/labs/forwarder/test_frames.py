"""Frames as they are read, made and readdressed; the checksums are held against plain sums."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.labs.forwarder import frames, icmp
from halfopen.labs.forwarder.frames import ETHERNET
from halfopen.middlebox.checksum import checksum, corrected, words
from halfopen.middlebox.packet import Addresses, Endpoint, Flags, Packet

HEADER = b"\2\0\0\0\0\1\2\0\0\0\0\2"

ports = st.integers(0, 65535)
ipv4 = st.ip_addresses(v=4).map(str)
ipv6 = st.ip_addresses(v=6).map(lambda address: frames.text(address.packed))


def endpoints(addresses: st.SearchStrategy[str]) -> st.SearchStrategy[Addresses]:
    one = st.builds(Endpoint, addresses, ports)
    return st.builds(Addresses, one, one)


pairs = st.one_of(
    st.tuples(endpoints(ipv4), endpoints(ipv4)), st.tuples(endpoints(ipv6), endpoints(ipv6))
)


def plain_sum(data: bytes) -> int:
    """RFC 1071 as it is written."""
    total = 0
    for (word,) in struct.iter_unpack("!H", data + b"\0" * (len(data) % 2)):
        total += word
        total = (total & 0xFFFF) + (total >> 16)
    return total


def frame_of(packet: bytes) -> bytearray:
    kind = b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd"
    return bytearray(HEADER + kind + packet)


def read(frame: bytes | bytearray) -> frames.Datagram:
    ip = frames.read_ip(frame, ETHERNET, len(frame))
    assert ip is not None
    return ip


def sums_are_right(frame: bytes | bytearray) -> bool:
    ip = read(frame)
    if ip.version == 4 and plain_sum(bytes(frame[ip.start : ip.inner])) != 0xFFFF:
        return False
    inner = bytes(frame[ip.inner : ip.end])
    pseudo = ip.source + ip.destination + struct.pack("!IHBB", len(inner), 0, 0, ip.protocol)
    return plain_sum((b"" if ip.protocol == frames.ICMP else pseudo) + inner) == 0xFFFF


@given(st.binary(min_size=2, max_size=70).filter(any))
def test_a_checksum_makes_the_plain_sum_all_ones(data: bytes) -> None:
    data += b"\0" * (len(data) % 2)
    made = checksum(data)
    assert plain_sum(data + made.to_bytes(2, "big")) == 0xFFFF


@given(st.binary(min_size=4, max_size=40), st.binary(min_size=4, max_size=4), st.booleans())
def test_a_corrected_checksum_is_that_of_the_changed_octets(
    data: bytes, new: bytes, wrong: bool
) -> None:
    data = b"\1\0" + data + b"\0" * (len(data) % 2)
    old = checksum(data) ^ wrong
    changed = data[:2] + new + data[6:]
    made = corrected(old, words(data[2:6]), words(new))
    assert (plain_sum(changed + made.to_bytes(2, "big")) == 0xFFFF) is not wrong


@given(pairs, st.integers(0, 0x3F), st.integers(0, 2**32 - 1), st.binary(max_size=30))
def test_what_is_made_can_be_read(
    pair: tuple[Addresses, Addresses], flags: int, seq: int, payload: bytes
) -> None:
    packet = Packet(pair[0], flags, seq=seq, ack=2**32 - 1 - seq)
    frame = frame_of(frames.make_tcp(packet, payload=payload))
    assert sums_are_right(frame)
    found = frames.read_tcp(frame, read(frame))
    assert found == Packet(pair[0], flags, seq, 2**32 - 1 - seq, len(payload))


@given(pairs, st.binary(max_size=30))
def test_a_readdressed_segment_is_right_in_every_octet(
    pair: tuple[Addresses, Addresses], payload: bytes
) -> None:
    before, after = (
        frame_of(frames.make_tcp(Packet(each, Flags.ACK), payload=payload)) for each in pair
    )
    frames.readdress(before, read(before), pair[1])
    assert sums_are_right(before)
    assert frames.read_tcp(before, read(before)) == frames.read_tcp(after, read(after))


@given(pairs, st.binary(min_size=1, max_size=30), st.integers(0, 7))
def test_damage_stays_visible(pair: tuple[Addresses, Addresses], payload: bytes, bit: int) -> None:
    frame = frame_of(frames.make_tcp(Packet(pair[0], Flags.ACK), payload=payload))
    frame[-1] ^= 1 << bit
    frames.readdress(frame, read(frame), pair[1])
    assert not sums_are_right(frame)


@given(pairs)
def test_each_hop_is_one_less(pair: tuple[Addresses, Addresses]) -> None:
    frame = frame_of(frames.make_tcp(Packet(pair[0], Flags.ACK)))
    for hops in range(frames.TTL, 1, -1):
        assert read(frame).hops == hops
        frames.decrement_ttl(frame, read(frame))
        assert sums_are_right(frame)


@given(pairs, st.binary(min_size=100, max_size=100))
def test_an_unfinished_checksum_is_finished(
    pair: tuple[Addresses, Addresses], payload: bytes
) -> None:
    right = frame_of(frames.make_tcp(Packet(pair[0], Flags.ACK), payload=payload))
    frame = bytearray(right)
    struct.pack_into("!H", frame, read(frame).inner + 16, 0x1234)
    frames.finish_tcp(frame, read(frame))
    assert frame == right


@given(pairs, st.sampled_from(["too long", "host unreachable", "time exceeded"]))
def test_an_icmp_error_is_about_the_segment_that_it_quotes(
    pair: tuple[Addresses, Addresses], reason: icmp.Reason
) -> None:
    culprit = frame_of(frames.make_tcp(Packet(pair[0], Flags.ACK), payload=bytes(1400)))
    ip = read(culprit)
    own = bytes(range(1, len(ip.source) + 1))
    error = frame_of(icmp.error(culprit, ip, own, reason, 1300))
    told = read(error)
    assert (told.source, told.destination) == (own, ip.source)
    assert sums_are_right(error)
    assert icmp.is_error(error, told)
    assert icmp.subject(error, told) == pair[0]
    assert told.length <= (576 if told.version == 4 else 1280)
    if reason == "too long":
        assert error[told.inner + 4 : told.inner + 8] == (1300).to_bytes(4, "big")


@given(pairs)
def test_a_translated_icmp_error_is_about_the_translated_segment(
    pair: tuple[Addresses, Addresses],
) -> None:
    culprit = frame_of(frames.make_tcp(Packet(pair[0], Flags.ACK), payload=bytes(90)))
    ip = read(culprit)
    error = frame_of(icmp.error(culprit, ip, ip.destination, "host unreachable", 0))
    source, to = (frames.octets(end.address) for end in pair[1])
    made = frame_of(icmp.translated(error, read(error), pair[1], source, to))
    assert sums_are_right(made)
    assert icmp.subject(made, read(made)) == pair[1]
    assert (read(made).source, read(made).destination) == (source, to)


@pytest.mark.parametrize("version", [4, 6])
@given(data=st.data())
def test_rubbish_is_read_or_refused_but_breaks_nothing(version: int, data: st.DataObject) -> None:
    rest = data.draw(st.binary(max_size=90))
    frame = HEADER + b"\x08\x00" + bytes([version << 4 | 5]) + rest
    ip = frames.read_ip(frame, ETHERNET, len(frame))
    if ip is not None and ip.end <= len(frame):
        frames.read_tcp(frame, ip)
        icmp.subject(frame, ip)


def test_ipv6_extension_headers_are_passed_over() -> None:
    packet = Packet(Addresses(Endpoint("fd00::1", 1), Endpoint("fd00::2", 2)), Flags.SYN)
    plain = frames.make_tcp(packet)
    options = bytes([frames.TCP, 1]) + bytes(14)
    longer = plain[:4] + (len(plain) - 40 + 16).to_bytes(2, "big") + b"\0" + plain[7:40]
    frame = frame_of(longer + options + plain[40:])
    assert frames.read_tcp(frame, read(frame)) == packet
    piece = bytes([frames.TCP, 0, 0, 8, 0, 0, 0, 1])
    longer = plain[:4] + (len(plain) - 40 + 8).to_bytes(2, "big") + b"\x2c" + plain[7:40]
    frame = frame_of(longer + piece + plain[40:])
    assert read(frame).piece
