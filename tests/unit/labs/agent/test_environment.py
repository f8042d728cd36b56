"""What a program is started with for faults that are yet to come."""

from __future__ import annotations

from pathlib import Path

import pytest

from halfopen.labs.agent import environment
from halfopen.labs.agent.environment import LaunchEnvironment, unprivileged, with_preloads


def test_two_libraries_are_both_preloaded_ours_first() -> None:
    env = {"LD_PRELOAD": "/lib/keepalive.so", "A": "1"}
    assert with_preloads(env, {"LD_PRELOAD": "/lib/time.so", "B": "2"}) == {
        "LD_PRELOAD": "/lib/time.so:/lib/keepalive.so",
        "A": "1",
        "B": "2",
    }
    assert with_preloads({"A": "1"}, {}) == {"A": "1"}


def test_surroundings_add_up() -> None:
    calls: list[str] = []
    one = LaunchEnvironment({"A": "1"}, None, (lambda: calls.append("one"),))
    other = LaunchEnvironment({"B": "2"}, "/proc/7/ns/mnt", (lambda: calls.append("other"),))
    both = one | other
    assert (both.env, both.mounts) == ({"A": "1", "B": "2"}, "/proc/7/ns/mnt")
    for finish in both.finish:
        finish()
    assert calls == ["one", "other"]
    assert (other | one).mounts == "/proc/7/ns/mnt"


def test_a_mount_namespace_is_entered_without_losing_the_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(environment, "unprivileged", lambda: ("setpriv", "--"))
    assert LaunchEnvironment().command("/work") == ["--", "setpriv", "--"]
    command = LaunchEnvironment(mounts="/proc/7/ns/mnt").command("/work")
    assert command == [
        "--mount=/proc/7/ns/mnt", "--", "setpriv", "--", "env", "--chdir=/work"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("effective", "taken"), [("000001ffffffffff", True), ("0000000000203000", False)]
)
def test_capabilities_are_taken_away_where_that_is_allowed(
    monkeypatch: pytest.MonkeyPatch, effective: str, taken: bool
) -> None:
    text = f"Name:\tpython3\nCapPrm:\tffffffffffffffff\nCapEff:\t{effective}\n"
    monkeypatch.setattr(Path, "read_text", lambda _: text)
    unprivileged.cache_clear()
    try:
        command = unprivileged()
    finally:
        unprivileged.cache_clear()
    assert command[:1] == (("setpriv",) if taken else ())
    for each in ("sys_module", "sys_time", "sys_rawio", "mknod", "sys_admin", "net_admin"):
        assert not any(f"+{each}" in word for word in command)
