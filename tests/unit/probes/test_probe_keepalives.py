"""The kernel's count of keepalive probes: read, and counting."""

from __future__ import annotations

from pathlib import Path

from halfopen.probes.keepalives import probes_sent


def test_the_figure_below_its_name(tmp_path: Path) -> None:
    path = tmp_path / "netstat"
    path.write_text(
        "TcpExt: SyncookiesSent TCPKeepAlive TCPMTUPFail\nTcpExt: 5 17 0\n"
        "IpExt: InNoRoutes\nIpExt: 3\n"
    )
    assert probes_sent(str(path)) == 17


def test_a_kernel_that_does_not_count_is_not_taken_for_none(tmp_path: Path) -> None:
    path = tmp_path / "netstat"
    path.write_text("TcpExt: SyncookiesSent\nTcpExt: 5\n")
    assert probes_sent(str(path)) is None
    path.write_text("")
    assert probes_sent(str(path)) is None


def test_this_kernel_counts() -> None:
    assert probes_sent() is not None
