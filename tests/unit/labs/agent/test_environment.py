"""What a program is started with for faults that are yet to come."""

from __future__ import annotations

from halfopen.labs.agent.environment import LaunchEnvironment, with_preloads


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


def test_a_mount_namespace_is_entered_without_losing_the_directory() -> None:
    assert LaunchEnvironment().command("/work") == ["--"]
    command = LaunchEnvironment(mounts="/proc/7/ns/mnt").command("/work")
    assert command == ["--mount=/proc/7/ns/mnt", "--", "env", "--chdir=/work"]
