"""Captures: connections, silences, keepalive and resets; also damaged and cut ones."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from halfopen.errors import InputError
from halfopen.importing.facts import End, SeenConnection
from halfopen.pcap.files import CaptureWriter, Frame, Heading
from tests.unit.importing.reading import read, refused
from tests.unit.importing.wire import ACK, FIN, OPEN, RST, SYN, Sent, again, pcap

ANSWERED = [*OPEN, *again(600, 1), Sent(600.01, "server", 5000, 1150)]


def only(directory: Path, data: bytes) -> SeenConnection:
    (found,) = read(directory, pcap=data).connections
    return found


def test_data_after_a_silence_that_is_never_acknowledged(tmp_path: Path) -> None:
    found = only(tmp_path, pcap([*OPEN, *again(3700, 5)]))
    assert (found.client, found.server) == (End("10.0.0.9", 40112), End("10.0.0.5", 514))
    assert found.sure
    assert found.killed is not None and found.killed.value == pytest.approx(3699.96)
    assert found.late == ("drop", f"{tmp_path}/pcap:packet 6")
    assert found.retries == 4 and found.survived is None
    assert found.silence is not None and found.silence.value == pytest.approx(3699.96)


def test_two_transmissions_may_only_be_late(tmp_path: Path) -> None:
    found = only(tmp_path, pcap([*OPEN, *again(3700, 2)]))
    assert found.late is None and found.killed is None


def test_data_after_a_silence_that_is_acknowledged(tmp_path: Path) -> None:
    found = only(tmp_path, pcap(ANSWERED))
    assert found.survived is not None and found.survived.value == pytest.approx(599.96)
    assert found.late is None


def test_an_acknowledgement_of_before_is_not_an_answer(tmp_path: Path) -> None:
    found = only(tmp_path, pcap([*OPEN, *again(600, 5), Sent(607, "server", 5000, 1100)]))
    assert found.survived is None and found.late is not None


def test_a_reset_that_answers_late_data(tmp_path: Path) -> None:
    found = only(tmp_path, pcap([*OPEN, *again(400, 1), Sent(400.01, "server", 5000, 0, RST)]))
    assert found.late == ("rst", f"{tmp_path}/pcap:packet 6")
    assert found.killed is not None and found.killed.value == pytest.approx(399.96)
    assert dict(found.resets) == {"server": 1}


def test_a_reset_before_any_data(tmp_path: Path) -> None:
    found = only(tmp_path, pcap([*OPEN, Sent(300, "server", 5000, 0, RST)]))
    assert found.late == ("rst at expiry", f"{tmp_path}/pcap:packet 6")


def test_a_reset_after_an_orderly_end_says_nothing(tmp_path: Path) -> None:
    end = [Sent(1, "server", 5000, 1100, FIN | ACK), Sent(300, "client", 1100, 5001, RST)]
    assert only(tmp_path, pcap([*OPEN, *end])).late is None


def test_keepalive_probes_that_are_answered_and_then_not(tmp_path: Path) -> None:
    probe = [Sent(at, "server", 4999, 1100) for at in (120.04, 240.05, 315.05, 390.05)]
    answer = Sent(120.05, "client", 1100, 5000)
    found = only(tmp_path, pcap([*OPEN, probe[0], answer, *probe[1:]]))
    seen = found.keepalive["server"]
    assert seen.idle is not None and seen.idle.value == pytest.approx(120.0)
    assert seen.interval is not None and seen.interval.value == pytest.approx(75.0)
    assert seen.interval.where == f"{tmp_path}/pcap:packet 9"
    assert "client" not in found.keepalive
    assert found.survived is not None and found.survived.value == pytest.approx(120.0)
    assert found.killed is not None and found.killed.value == pytest.approx(120.0)
    assert found.late is not None and found.late[0] == "drop"


def test_a_probe_of_one_byte_is_one_too(tmp_path: Path) -> None:
    found = only(tmp_path, pcap([*OPEN, Sent(60.04, "client", 1099, 5000, ACK, 1)]))
    idle = found.keepalive["client"].idle
    assert idle is not None and idle.value == pytest.approx(60.0)


def test_the_same_ports_again_are_another_connection(tmp_path: Path) -> None:
    second = [Sent(e.at + 50, e.by, e.seq + 7, e.ack + 7, e.flags, e.size) for e in OPEN]
    assert len(read(tmp_path, pcap=pcap([*OPEN, *second])).connections) == 2
    assert len(read(tmp_path, pcap=pcap([OPEN[0], *OPEN])).connections) == 1


def test_without_a_handshake_the_ports_tell_the_server(tmp_path: Path) -> None:
    found = only(tmp_path, pcap(OPEN[3:]))
    assert found.server == End("10.0.0.5", 514) and not found.sure


def test_sequence_numbers_wrap(tmp_path: Path) -> None:
    moved = [
        Sent(e.at, e.by, e.seq + (2**32 - 1120 if e.by == "client" else 0),
             e.ack + (2**32 - 1120 if e.by == "server" and e.flags != RST else 0), e.flags, e.size)
        for e in ANSWERED
    ]  # fmt: skip
    found = only(tmp_path, pcap(moved))
    assert found.survived is not None


@pytest.mark.parametrize(
    ("link", "before", "version"),
    [
        (1, bytes(12) + b"\x81\x00\x00\x07\x08\x00", 4),
        (1, bytes(12) + b"\x86\xdd", 6),
        (113, bytes(14) + b"\x08\x00", 4),
        (276, b"\x08\x00" + bytes(18), 4),
        (101, b"", 4),
        (101, b"", 6),
        (0, b"\x02\0\0\0", 4),
    ],
)
def test_each_link_type_shows_the_same(
    tmp_path: Path, link: int, before: bytes, version: int
) -> None:
    data = pcap([*OPEN, *again(3700, 5)], link=link, before=before, version=version)
    found = only(tmp_path, data)
    assert found.server.port == 514 and found.retries == 4


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("parts", [10**6, 10**9])
def test_each_byte_order_and_resolution_shows_the_same(
    tmp_path: Path, order: str, parts: int
) -> None:
    found = only(tmp_path, pcap(ANSWERED, order=order, parts=parts))
    assert found.survived is not None and found.survived.value == pytest.approx(599.96)


def test_a_capture_of_the_headers_only_shows_the_same(tmp_path: Path) -> None:
    found = only(tmp_path, pcap(ANSWERED, keep=60))
    assert found.survived is not None and found.survived.value == pytest.approx(599.96)
    # Of the 50 bytes of data six are in the file: an acknowledgement of twenty is not one of all.
    some = [*OPEN, *again(600, 5), Sent(607, "server", 5000, 1120)]
    assert only(tmp_path, pcap(some, keep=60)).late is not None


def _pcapng(packets: list[Sent]) -> bytes:
    file = io.BytesIO()
    writer = CaptureWriter(file, Heading("client", "firewall", "eth0"))
    writer.write(
        Frame(round(each.at * 10**9), True, bytes(12) + b"\x08\x00" + each.packet())
        for each in packets
    )
    return file.getvalue()


def test_pcapng_shows_the_same(tmp_path: Path) -> None:
    found = only(tmp_path, _pcapng([*OPEN, *again(3700, 5)]))
    assert found.late == ("drop", f"{tmp_path}/pcap:packet 6")
    assert found.killed is not None and found.killed.value == pytest.approx(3699.96)


WHOLE = pcap(ANSWERED)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "pcap:1: the file is empty; write it with `tcpdump -w`"),
        (WHOLE[:20], "pcap:1: the capture is cut in packet 1, at byte 0"),
        (WHOLE[:-9], "pcap:7: the capture is cut in packet 7, at byte 594; understood before it: "
                     "1 connection; `editcap FILE WHOLE.pcapng` keeps the packets before it"),
        (WHOLE[: 24 + 70 + 8], "pcap:2: the capture is cut in packet 2, at byte 94"),
        (WHOLE[:24] + b"\xff" * 16, "packet 1, at byte 24, would have 4294967295 bytes: the file"),
        (_pcapng(ANSWERED)[:-9], "pcap:7: the capture is cut in packet 7, at byte "),
        (_pcapng(ANSWERED)[:-120], "understood before it: 1 connection"),
        (gzip.compress(WHOLE, mtime=0), "the file is compressed; unpack it with gunzip"),
        (b"State Recv-Q", "neither a pcap nor a pcapng file: it begins with 0x53746174"),
        (pcap(OPEN, link=147), "packet 1 is of link type 147; known: Ethernet, Linux cooked"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)  # fmt: skip
def test_what_is_no_whole_capture_is_told_with_its_packet(
    tmp_path: Path, data: bytes, said: str
) -> None:
    assert said in refused(tmp_path, pcap=data)


SEEDS = [WHOLE, _pcapng(ANSWERED), pcap(ANSWERED, order=">", version=6, before=b"", link=101)]


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    whole=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 255)), max_size=6),
    end=st.integers(0, 900),
    raw=st.none() | st.binary(max_size=80),
)
def test_no_bytes_break_the_reader(
    tmp_path: Path, whole: bytes, changes: list[tuple[int, int]], end: int, raw: bytes | None
) -> None:
    data = bytearray(whole[: max(end, 4)])
    for place, value in changes:
        if 4 <= place < len(data):
            data[place] = value
    if raw is not None:
        data[24:] = raw
    try:
        read(tmp_path, pcap=bytes(data))
    except InputError as error:
        assert str(error).startswith(f"{tmp_path}/pcap:")


FLAGS = st.sampled_from([ACK, SYN, SYN | ACK, FIN | ACK, RST, RST | ACK, 0])


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.builds(
            Sent,
            at=st.floats(0, 9000),
            by=st.sampled_from(["client", "server"]),
            seq=st.sampled_from([0, 999, 1000, 1100, 2**32 - 1]),
            ack=st.sampled_from([0, 999, 1000, 1100, 2**32 - 1]),
            flags=FLAGS,
            size=st.sampled_from([0, 1, 100]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_no_order_of_segments_breaks_the_reader(tmp_path: Path, packets: list[Sent]) -> None:
    for found in read(tmp_path, pcap=pcap(packets)).connections:
        assert (found.late is None) == (found.killed is None)
        assert found.silence is None or found.silence.value >= 0
