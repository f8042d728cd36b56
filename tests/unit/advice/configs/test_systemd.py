"""Socket units of systemd."""

from __future__ import annotations

import pytest

from halfopen.advice.config_model import ConfiguredTimers
from halfopen.errors import InputError
from tests.unit.advice.configs.reading import cured, judge, read, survivals

UNIT = """\
[Unit]
Description=a socket

[Socket]
ListenStream=514
ListenStream=/run/a.sock
ListenDatagram=514
ListenStream=[::1]:515
KeepAlive=true
KeepAliveTimeSec=1min 40s

[Install]
WantedBy=sockets.target
"""


def test_listeners_and_timers() -> None:
    found = read("systemd", UNIT)
    assert [(each.line, each.what) for each in found] == [
        (5, "listener 514"),
        (8, "listener [::1]:515"),
    ]
    assert all(each.asks for each in found)
    assert found[0].timers == ConfiguredTimers(100, None, None)
    assert survivals("systemd", UNIT) == ["safe", "safe"]


def test_cures_in_its_section() -> None:
    text = UNIT.replace("KeepAlive=true\n", "")
    (found, _) = judge("systemd", text)
    assert found.survival == "unsafe"
    (now,) = cured("systemd", text)
    assert (
        "KeepAliveTimeSec=175\nKeepAlive=yes\nKeepAliveIntervalSec=75\nKeepAliveProbes=9\n\n[Inst"
    ) in now


@pytest.mark.parametrize("text", ["KeepAlive=maybe", "KeepAliveTimeSec=1 week soon", "words"])
def test_what_is_wrong_has_its_line(text: str) -> None:
    with pytest.raises(InputError, match=r"0\.conf:2: "):
        read("systemd", f"[Socket]\n{text}\nListenStream=1\n")
