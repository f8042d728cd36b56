"""What is said of packets in the captures of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from halfopen.model.history import VERSION, History
from halfopen.model.records import Record
from halfopen.pcap import annotate as module
from halfopen.pcap.annotate import Reasons, annotate
from halfopen.pcap.files import CaptureWriter, Frame, Heading, read_capture
from halfopen.pcap.packets import RST, SYN

from ..records import record
from .frames import ACK, CLIENT, OUTSIDE, PSH, SERVER, segment, tcp

ORIGIN = 1_700_000_000
ENDS = {"client": f"{CLIENT}:40001", "server": f"{SERVER}:2514"}
Link = tuple[str, str]
LEFT: Link = ("sender", "firewall")
RIGHT: Link = ("firewall", "receiver")


def history(*records: Record) -> History:
    plan = {
        "hosts": [
            {"name": "sender", "profile": None},
            {"name": "firewall", "profile": "fortigate"},
            {"name": "receiver", "profile": None},
        ]
    }
    addresses = {"sender": CLIENT, "receiver": SERVER}
    header = record("header", version=VERSION, scale=1.0, addresses=addresses, plan=plan)
    captures = [
        record("capture", 0.5, host=a, neighbour=b, file=f"{a}-{b}.pcapng",
               realtime_s=ORIGIN + 0.5)
        for a, b in (LEFT, RIGHT)
    ]  # fmt: skip
    return History([header, *captures, *records])


def flow(t: float, event: str, cause: str | None = None, **more: Any) -> Record:
    said = {"cause": cause} if cause else {}
    return record("flow", t, host="firewall", event=event, **ENDS, **said, **more)


def fault(t: float, state: str, text: str = "silent drop at firewall", **more: Any) -> Record:
    return record("fault", t, name="x", text=text, line=7, state=state, **more)


def write(directory: Path, link: Link, *frames: tuple[float, bool, bytes]) -> None:
    host, neighbour = link
    path = directory / f"{host}-{neighbour}.pcapng"
    with path.open("wb", buffering=0) as file:
        writer = CaptureWriter(file, Heading(host, neighbour, "eth0"))
        writer.write(
            Frame(round((ORIGIN + t) * 1e9), outbound, data) for t, outbound, data in frames
        )
        writer.statistics(ORIGIN * 10**9, len(frames), 0)


def comments(directory: Path, link: Link) -> list[str]:
    return [frame.comment for frame in read_capture(directory / f"{'-'.join(link)}.pcapng").frames]


def test_a_late_packet_and_the_reset_for_it_are_told(tmp_path: Path) -> None:
    data = tcp(flags=ACK | PSH, seq=1, payload=b"hello", number=1)
    late = tcp(flags=ACK | PSH, seq=6, payload=b"anybody?", number=2)
    reset = tcp(SERVER, CLIENT, (2514, 40001), flags=RST, seq=9)
    write(tmp_path, LEFT, (1.0, True, data), (9.0, True, late), (9.001, False, reset))
    write(tmp_path, RIGHT, (1.0001, True, data))
    run = history(flow(0.9, "created"), flow(5.0, "destroyed", "expired"))
    for _ in range(2):  # the second time changes nothing
        notes = annotate(tmp_path, run)
        assert comments(tmp_path, LEFT) == [
            "",
            "dropped by firewall: no such flow (expired 4 s before, in the lab)",
            "injected by firewall, not by receiver",
        ]
        assert comments(tmp_path, RIGHT) == [""]
        assert (notes.frames, dict(notes.dropped), dict(notes.injected)) == (
            4, {"firewall": 1}, {"firewall": 1}
        )  # fmt: skip
    assert read_capture(tmp_path / "sender-firewall.pcapng").rest  # the figures are still there


def test_what_comes_from_the_other_side_is_told_at_the_other_link(tmp_path: Path) -> None:
    answer = tcp(SERVER, CLIENT, (2514, 40001), seq=1, payload=b"yes", number=3)
    write(tmp_path, LEFT)
    write(tmp_path, RIGHT, (2.0, False, answer))
    annotate(tmp_path, history(flow(0.9, "created"), fault(1.0, "begin"), fault(3.0, "end")))
    assert comments(tmp_path, RIGHT) == ["dropped by firewall: fault 'silent drop at firewall'"]


def test_what_was_killed_early_is_commented_as_far_as_it_goes(tmp_path: Path) -> None:
    write(tmp_path, LEFT, (1.0, True, tcp(payload=b"x")))
    notes = annotate(tmp_path, history())  # the other link's file was never made
    assert notes.frames == 1
    assert comments(tmp_path, LEFT) == ["dropped by firewall: no such flow"]


def test_captures_that_are_too_large_are_left_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, LEFT, (1.0, True, tcp(payload=b"x")))
    monkeypatch.setattr(module, "LARGEST", 10)
    assert "more than" in annotate(tmp_path, history()).skipped
    assert comments(tmp_path, LEFT) == [""]


def why(run: History, t: float, frame: bytes) -> str:
    return Reasons(run, "firewall").dropped(segment(frame), t).removeprefix("dropped by firewall: ")


def test_reasons_follow_from_flows_and_faults() -> None:
    data, opening = tcp(payload=b"x"), tcp(flags=SYN)
    run = history(
        flow(1.0, "created"),
        fault(2.0, "begin"),
        fault(4.0, "end"),
        flow(8.0, "destroyed", "forgotten"),
        fault(9.0, "begin", "reboot at firewall, for 1 h"),
    )
    assert why(run, 0.5, data) == "no such flow"
    assert why(run, 0.5, opening) == "it begins no flow, for a reason that is not recorded"
    assert why(run, 1.5, data) == "though it knows the flow, for a reason that is not recorded"
    assert why(run, 3.0, data) == "fault 'silent drop at firewall'"
    assert why(run, 7.9, data) == "no such flow (forgotten 0 s before, in the lab)"  # seen late
    assert why(run, 8.5, data) == "no such flow (forgotten 0.5 s before, in the lab)"
    both = "fault 'reboot at firewall, for 1 h'; no such flow (forgotten 2 s before, in the lab)"
    assert why(run, 10.0, data) == both


def test_a_fault_elsewhere_or_over_at_once_drops_nothing_here() -> None:
    run = history(
        flow(0.5, "created"),
        fault(1.0, "begin", "silent drop at firewall-2"),
        fault(9.0, "end", "silent drop at firewall-2"),
        fault(2.0, "begin", "forget flows at firewall"),
        fault(2.9, "end", "forget flows at firewall", at_once=True),
    )
    assert why(run, 2.05, tcp()) == "though it knows the flow, for a reason that is not recorded"


def test_a_translated_flow_is_known_by_both_its_names() -> None:
    outside = [f"{OUTSIDE}:1024", f"{SERVER}:2514"]
    run = history(
        flow(1.0, "created", outside=outside), flow(2.0, "destroyed", "expired", outside=outside)
    )
    answer = tcp(SERVER, OUTSIDE, (2514, 1024), payload=b"x")
    assert why(run, 3.0, answer) == "no such flow (expired 1 s before, in the lab)"
