"""Captures as files: what is written reads back, by us and by others, also when it is cut off."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pcapng import FileScanner
from pcapng.blocks import EnhancedPacket, InterfaceDescription, InterfaceStatistics, SectionHeader

from halfopen.pcap import blocks
from halfopen.pcap.files import Capture, CaptureWriter, Frame, Heading, read_capture

HEADING = Heading("sender", "firewall", "right1")
frames = st.lists(
    st.builds(
        Frame,
        time_ns=st.integers(0, (1 << 64) - 1),
        outbound=st.booleans(),
        data=st.binary(min_size=1, max_size=70),
        comment=st.text(max_size=20),
    ),
    max_size=6,
)


def octets(given_frames: list[Frame], *, figures: tuple[int, int] | None = None) -> bytes:
    file = io.BytesIO()
    writer = CaptureWriter(file, HEADING)
    writer.write(given_frames)
    if figures is not None:
        writer.statistics(5, *figures)
    return file.getvalue()


@pytest.mark.filterwarnings("ignore:Field type should not be:DeprecationWarning")  # of itself
@given(frames)
def test_another_reader_reads_the_same(given_frames: list[Frame]) -> None:
    found = list(FileScanner(io.BytesIO(octets(given_frames, figures=(7, 3)))))
    section, interface, *packets, figures = found
    assert isinstance(section, SectionHeader)
    assert section.options["shb_userappl"] == "halfopen"
    assert isinstance(interface, InterfaceDescription)
    assert (interface.link_type, interface.snaplen) == (1, blocks.SNAPLEN)
    assert interface.options["if_name"] == "right1"
    assert interface.timestamp_resolution == pytest.approx(1e-9)
    assert isinstance(figures, InterfaceStatistics)
    assert (figures.options["isb_ifrecv"], figures.options["isb_ifdrop"]) == (7, 3)
    for packet, frame in zip(packets, given_frames, strict=True):
        assert isinstance(packet, EnhancedPacket)
        assert packet.packet_data == frame.data
        assert packet.timestamp_high << 32 | packet.timestamp_low == frame.time_ns
        assert packet.options["epb_flags"].inout == ("outbound" if frame.outbound else "inbound")
        if frame.comment:
            assert packet.options["opt_comment"] == frame.comment


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_frames=frames, data=st.data())
def test_what_was_cut_off_anywhere_reads_as_far_as_it_goes(
    given_frames: list[Frame], data: st.DataObject, tmp_path: Path
) -> None:
    whole = octets(given_frames, figures=(1, 2))
    path = tmp_path / "x.pcapng"
    head = len(HEADING.octets())
    end = data.draw(st.integers(head, len(whole)))
    path.write_bytes(whole[:end])
    found = read_capture(path)
    assert found.heading == HEADING
    assert found.frames == given_frames[: len(found.frames)]
    if end == len(whole):
        assert (len(found.frames), found.dropped) == (len(given_frames), 2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_frames=frames)
def test_a_capture_that_is_written_anew_keeps_its_figures(
    given_frames: list[Frame], tmp_path: Path
) -> None:
    path = tmp_path / "x.pcapng"
    path.write_bytes(octets(given_frames, figures=(9, 4)))
    first = read_capture(path)
    first.write(path)
    assert path.read_bytes() == octets(given_frames, figures=(9, 4))
    assert read_capture(path) == first
    assert [each.name for each in tmp_path.iterdir()] == ["x.pcapng"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_an_error_in_words_or_is_read(data: st.DataObject, tmp_path: Path) -> None:
    raw = bytearray(octets([Frame(1, True, b"abc", "said"), Frame(2, False, b"defgh")]))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "x.pcapng"
    path.write_bytes(raw)
    try:
        found = read_capture(path)
    except ValueError as error:
        assert str(error)
    else:
        assert isinstance(found, Capture)


@pytest.mark.parametrize("content", [b"", b"no capture, and long enough to be one", bytes(64)])
def test_what_is_no_capture_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"no capture of a link|no pcapng block at octet 0"):
        read_capture(path)
