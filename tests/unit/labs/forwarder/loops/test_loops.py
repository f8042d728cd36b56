"""The compiled loop and the one in Python do the same, byte for byte."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.labs.forwarder import frames
from halfopen.labs.forwarder.loops import PURE_VARIABLE, pure
from halfopen.middlebox.packet import Addresses, Endpoint, Packet
from tests.unit.labs.forwarder.loops.both import KINDS, loops

OWN, MACS = b"\2\0\0\0\1\2", b"\2\0\0\0\2\2\2\0\0\0\2\1"
SIZE, AT = 256, 82
FLAGS = [0x10, 0x10, 0x18, 0x11, 0x12, 0x14, 0xD0]


class Flow(NamedTuple):
    """What a loop is to know of one direction of a flow."""

    version: int
    port: int
    new_port: int | None
    open: bool
    sent: int
    acked: int

    @property
    def addresses(self) -> Addresses:
        return self._with(self.port)

    def _with(self, port: int) -> Addresses:
        one, other = ("10.0.1.1", "10.0.2.2") if self.version == 4 else ("fd00::1", "fd00::2")
        return Addresses(Endpoint(one, port), Endpoint(other, 514))

    def key(self, port: int) -> bytes:
        addresses = self._with(port)
        ends = b"".join(frames.octets(end.address) for end in addresses)
        return ends + struct.pack("!HH", *(end.port for end in addresses))

    def way(self, module: ModuleType) -> Any:
        new = None if self.new_port is None else self.key(self.new_port)
        way = module.Way(new, self.port % 65535, (self.new_port or 0) % 65535)
        way.open, way.sent, way.acked = self.open, self.sent, self.acked
        return way


NUMBERS = st.one_of(st.sampled_from([0, 1, 2**31, 2**32 - 1]), st.integers(0, 2**32 - 1))
FLOWS = st.builds(
    Flow,
    st.sampled_from([4, 6]),
    st.integers(0, 3),
    st.one_of(st.none(), st.integers(0, 65535)),
    st.sampled_from([True, True, True, False]),
    NUMBERS,
    NUMBERS,
)


@st.composite
def slots(draw: st.DrawFn, flows: list[Flow]) -> bytes:
    """A slot of a ring: mostly a segment of one of the flows, sometimes with damage."""
    flow = draw(st.sampled_from(flows))
    packet = Packet(flow.addresses, draw(st.sampled_from(FLAGS)), draw(NUMBERS), draw(NUMBERS))
    ip = frames.make_tcp(packet, payload=bytes(draw(st.integers(0, 30))))
    kind = b"\x08\x00" if flow.version == 4 else b"\x86\xdd"
    frame = bytearray(OWN + bytes(6) + kind + ip)
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        frame[draw(st.integers(0, len(frame) - 1))] = draw(st.integers(0, 255))
    length = max(0, len(frame) + draw(st.sampled_from([0, 0, 0, 0, -1, 3, -20])))
    captured = length - draw(st.sampled_from([0, 0, 0, 0, 1])) if length else 0
    status = draw(st.sampled_from([1, 1, 1, 1, 1 | 4, 1 | 8, 0, 8]))
    head = pure.SLOT.pack(status, length, captured, AT)
    return bytes((head + bytes(AT - len(head)) + frame).ljust(SIZE, b"\xee"))


@st.composite
def rings(draw: st.DrawFn) -> tuple[list[Flow], bytes]:
    flows = draw(st.lists(FLOWS, min_size=1, max_size=4))
    return flows, b"".join(draw(st.lists(slots(flows), min_size=1, max_size=6)))


def played(
    module: ModuleType, flows: list[Flow], ring: bytes, first: int, mtu: int, at: int
) -> object:
    """All that a loop does."""
    memory, vectors = bytearray(ring), bytearray(16 * 16)
    ways = {flow.key(flow.port): flow.way(module) for flow in flows}
    count = len(ring) // SIZE
    passed, touched = module.forward(
        memory, 1 << 40, (first, count, count, SIZE), ways, (OWN, MACS, mtu), 7, vectors, at
    )
    states = {key: (way.open, way.sent, way.acked, way.turn) for key, way in ways.items()}
    keys = {id(way): key for key, way in ways.items()}
    return passed, [keys[id(way)] for way in touched], states, memory, vectors


@given(rings(), st.integers(0, 8), st.sampled_from([1500, 1500, 70]), st.integers(0, 10))
def test_the_compiled_loop_does_what_the_one_in_python_does(
    drawn: tuple[list[Flow], bytes], first: int, mtu: int, at: int
) -> None:
    flows, ring = drawn
    compiled = loops("compiled")
    assert played(compiled, flows, ring, first, mtu, at) == played(
        pure, flows, ring, first, mtu, at
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_flow_is_named_once_and_vectors_say_where_its_frames_lie(kind: str) -> None:
    flow = Flow(4, 1, None, True, 10, 10)
    ip = frames.make_tcp(Packet(flow.addresses, 0x10, 10, 15), payload=b"hello")
    frame = OWN + bytes(6) + b"\x08\x00" + ip
    slot = (pure.SLOT.pack(1, len(frame), len(frame), AT).ljust(AT) + frame).ljust(SIZE)
    memory, vectors, way = bytearray(slot * 3), bytearray(16 * 4), flow.way(loops(kind))
    given = ({flow.key(1): way}, (OWN, MACS, 1500), 9, vectors, 1)
    assert loops(kind).forward(memory, 5000, (0, 3, 3, SIZE), *given) == (3, [way])
    assert (way.sent, way.acked, way.turn) == (15, 15, 11)
    assert struct.unpack("PNPNPNPN", vectors) == (
        0, 0, 5000 + AT, 59, 5000 + SIZE + AT, 59, 5000 + 2 * SIZE + AT, 59,
    )  # fmt: skip
    assert memory[AT : AT + 12] == MACS


@pytest.mark.parametrize("kind", KINDS)
def test_slots_are_given_back_round_the_end_of_the_ring(kind: str) -> None:
    memory = bytearray(b"\xff" * (4 * SIZE))
    loops(kind).give_back(memory, (3, 2, 4, SIZE))
    assert [memory[n * SIZE : n * SIZE + 5] for n in range(4)] == [
        b"\0\0\0\0\xff", b"\xff" * 5, b"\xff" * 5, b"\0\0\0\0\xff",
    ]  # fmt: skip
    assert memory.count(0) == 8


@pytest.mark.parametrize(
    "wrong",
    [
        {"slots": (0, 2, 2, SIZE)},
        {"slots": (0, 1, 0, SIZE)},
        {"slots": (-1, 1, 1, SIZE)},
        {"slots": (0, 1, 1, 0)},
        {"link": (b"", MACS, 1500)},
        {"link": (OWN, b"", 1500)},
        {"at": 1},
        {"at": -1},
    ],
)
def test_the_compiled_loop_stays_within_what_it_is_given(wrong: dict[str, Any]) -> None:
    given: dict[str, Any] = {
        "memory": bytearray(SIZE),
        "address": 0,
        "slots": (0, 1, 1, SIZE),
        "ways": {},
        "link": (OWN, MACS, 1500),
        "turn": 1,
        "vectors": bytearray(16),
        "at": 0,
    }
    compiled = loops("compiled")
    assert compiled.forward(*given.values()) == (0, [])
    with pytest.raises(ValueError, match="does not fit"):
        compiled.forward(*(given | wrong).values())
    with pytest.raises(ValueError, match="12 or 36"):
        compiled.Way(bytes(11), 0, 0)


@pytest.mark.parametrize(
    "slots", [(0, 1, 2, SIZE), (0, 1, 0, SIZE), (-1, 1, 1, SIZE), (0, 1, 1, 0)]
)
def test_the_compiled_loop_gives_back_only_slots_of_the_ring(
    slots: tuple[int, int, int, int],
) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        loops("compiled").give_back(bytearray(SIZE), slots)


@pytest.mark.parametrize(("value", "uses_it"), [("1", False), ("0", True), ("", True)])
def test_a_variable_leaves_the_compiled_part_unused(value: str, uses_it: bool) -> None:
    loops("compiled")
    done = subprocess.run(
        [sys.executable, "-m", "halfopen.labs.forwarder.loops"],
        env={**os.environ, PURE_VARIABLE: value},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0
    assert ("is compiled" in done.stdout) == uses_it
    assert (PURE_VARIABLE in done.stdout) != uses_it


def test_a_compiled_part_of_another_version_is_left_unused() -> None:
    program = (
        "import sys, types\n"
        "old = types.ModuleType('halfopen.labs.forwarder.loops._compiled')\n"
        "old.VERSION = 0\n"
        "sys.modules['halfopen.labs.forwarder.loops._compiled'] = old\n"
        "import halfopen.labs.forwarder.loops as loops\n"
        "assert not loops.COMPILED\n"
        "assert loops.forward is loops.pure.forward\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
