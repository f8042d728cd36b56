"""The weak disk passes on what it is asked, and fails as it is told; without a kernel to ask it."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

try:
    from halfopen.guests.weak_disk import WeakDisk
except OSError as error:  # it loads the library
    pytest.skip(f"needs libfuse, as in the package fuse3: {error}", allow_module_level=True)


@pytest.fixture
def disk(tmp_path: Path) -> WeakDisk:
    """One over a directory with a file and a link."""
    (tmp_path / "a").write_bytes(b"hello")
    os.utime(tmp_path / "a", (1, 1))
    (tmp_path / "link").symlink_to("a")
    return WeakDisk(os.open(tmp_path, os.O_PATH | os.O_DIRECTORY))


CHANGES: list[Callable[[WeakDisk], Any]] = [
    lambda d: d.create("/new", 0o644),
    lambda d: d.truncate("/a", 2),
    lambda d: d.unlink("/a"),
    lambda d: d.rename("/a", "/b"),
    lambda d: d.link("/b", "/a"),
    lambda d: d.symlink("/b", "a"),
    lambda d: d.mkdir("/dir", 0o755),
    lambda d: d.mknod("/fifo", 0o010644, 0),
    lambda d: d.chmod("/a", 0o600),
    lambda d: d.chown("/a", os.getuid(), os.getgid()),
    lambda d: d.utimens("/a", (1_000_000_000, 2_000_000_000)),
    lambda d: d.utimens("/a", None),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_refused_while_read_only_and_done_otherwise(
    disk: WeakDisk, tmp_path: Path, change: Callable[[WeakDisk], Any]
) -> None:
    def state() -> list[tuple[str, int, int]]:
        found = [(path.name, path.lstat()) for path in sorted(tmp_path.iterdir())]
        return [(name, status.st_mode, status.st_mtime_ns) for name, status in found]

    before = state()
    disk.writable = False
    with pytest.raises(OSError, match="Read-only") as refused:
        change(disk)
    assert refused.value.errno == errno.EROFS
    assert state() == before
    disk.writable = True
    change(disk)
    assert state() != before or change is CHANGES[9]  # chown to the same owner


def test_a_file_that_is_open_is_refused_too(disk: WeakDisk, tmp_path: Path) -> None:
    handle = disk.open("/a", os.O_RDWR | os.O_APPEND)
    assert disk.write("/a", b"J", 0, handle) == 1
    disk.writable = False
    with pytest.raises(OSError, match="Read-only"):
        disk.write("/a", b"x", 0, handle)
    with pytest.raises(OSError, match="Read-only"):
        disk.open("/a", os.O_WRONLY)
    with pytest.raises(OSError, match="Read-only"):
        disk.access("/a", os.W_OK)
    assert disk.read("/a", 5, 0, handle) == b"Jello" == (tmp_path / "a").read_bytes()
    assert disk.fsync("/a", 0, handle) == disk.flush("/a", handle) == 0
    disk.release("/a", handle)


def test_changes_and_syncs_take_their_time_and_reading_does_not(disk: WeakDisk) -> None:
    handle = disk.open("/a", os.O_RDWR)
    disk.delay = 0.05
    started = time.monotonic()
    disk.write("/a", b"J", 0, handle)
    disk.fsync("/a", 1, handle)
    disk.fsyncdir("/", 0, 0)
    assert time.monotonic() - started >= 3 * disk.delay
    disk.release("/a", handle)


def test_what_lies_beneath_is_seen_as_it_is(disk: WeakDisk, tmp_path: Path) -> None:
    assert set(disk.readdir("/", 0)) == {".", "..", "a", "link"}
    assert disk.readlink("/link") == "a"
    assert disk.getattr("/a")["st_size"] == 5
    assert disk.getattr("/a")["st_mtime"] == (tmp_path / "a").stat().st_mtime_ns
    assert disk.statfs("/")["f_blocks"] == os.statvfs(tmp_path).f_blocks
    assert disk.access("/a", os.R_OK) == 0
    with pytest.raises(FileNotFoundError):
        disk.getattr("/nothing")
