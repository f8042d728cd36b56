"""The kernel's count of keepalive probes is what goes over the wire: segments without data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from halfopen.model.history import read_history
from halfopen.model.records import KeepalivesRecord
from halfopen.pcap.files import Capture, read_capture
from halfopen.pcap.packets import FIN, RST, SYN, TCP, Segment, read_segment
from tests.lab.scenarios import halfopen, write_short

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

TEXT = """\
scenario: who probes
scale: 1800
hosts:
  sender: { run: rsyslog send, output: omfwd, to: receiver }
  firewall: { profile: fortigate }
  receiver:
    run: rsyslog receive
    input: imptcp
    keepalive: { idle: 30 min, interval: 30 min, probes: 3 }
path: [sender, firewall, receiver]
steps:
  - send: 20 messages
  - wait until: 20 delivered
  - wait: 3 h
expect:
  - keepalive probes: { at: receiver, count: at least 3 }
  - keepalive probes: { at: sender, count: 0 }
variants:
  ipv4: {}
  ipv6:
    family: ipv6
  off-at-the-receiver:
    hosts: { receiver: { keepalive: off } }
    reproduces: { keepalive probes at receiver: 0 }
"""


def _from_host(capture: Capture, outbound: bool) -> Sequence[Segment]:
    """The TCP segments that went one way."""
    found = (read_segment(f.data) for f in capture.frames if f.outbound is outbound)
    return [segment for segment in found if segment is not None and segment.protocol == TCP]


def _probes(segments: Sequence[Segment]) -> int:
    """Those that say again, without data, the octet before the next one (RFC 9293, 3.8.4)."""
    count, following = 0, dict[tuple[str, str], int]()
    for segment in segments:
        way = segment.source, segment.destination
        bare = segment.size == 0 and not segment.flags & (SYN | FIN | RST)
        count += bare and segment.seq == (following.get(way, 0) - 1) % 2**32
        if not bare:
            ended = segment.seq + segment.size + bool(segment.flags & (SYN | FIN))
            following[way] = ended % 2**32
    return count


def test_the_kernels_count_is_that_of_the_capture(tmp_path: Path) -> None:
    done = halfopen("run", write_short(tmp_path, TEXT), "--pcap", "--out", "o", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {}
    for history_file in (tmp_path / "o").rglob("history.jsonl"):
        history = read_history(history_file.parent)
        capture = read_capture(history_file.parent / "captures" / "firewall-receiver.pcapng")
        counted = [record["sent"] for record in history.of(KeepalivesRecord, host="receiver")]
        seen = _probes(_from_host(capture, outbound=False))
        # The last may have gone out after the last look at the count.
        assert 0 <= seen - counted[-1] <= 1
        found[history.header["variant"]] = counted[-1]
        # The other end answers, and asks nothing.
        assert _probes(_from_host(capture, outbound=True)) == 0
    assert found.pop("off-at-the-receiver") == 0
    assert sorted(found) == ["ipv4", "ipv6"] and min(found.values()) >= 3
