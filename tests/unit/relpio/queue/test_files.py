"""The directory of a queue: nothing in it that somebody else could have put there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from relpio.errors import ConfigurationError
from relpio.queue.disk import DiskQueue
from relpio.queue.files import RealDirectory
from relpio.queue.segment import name_of


@pytest.mark.parametrize("name", [name_of(1), "position.0", "lock"])
def test_a_link_in_the_directory_is_refused_and_its_target_left_alone(
    tmp_path: Path, name: str
) -> None:
    victim, place = tmp_path / "victim", tmp_path / "q"
    victim.write_bytes(b"precious")
    place.mkdir(0o700)
    (place / name).symlink_to(victim)
    with pytest.raises(ConfigurationError, match=f"q/{name} is a symbolic link"):
        DiskQueue(place)
    assert victim.read_bytes() == b"precious"


def test_a_link_that_comes_later_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    directory = RealDirectory(tmp_path / "q")
    (tmp_path / "q" / "name").symlink_to(victim)
    with pytest.raises(FileExistsError):
        directory.create("name")
    with pytest.raises(OSError, match="symbolic links"):
        directory.open("name", write=True)
    directory.close()
    assert victim.read_bytes() == b"precious"


def test_a_link_to_a_directory_is_no_directory_of_a_queue(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(0o700)
    (tmp_path / "q").symlink_to(tmp_path / "real")
    with pytest.raises(OSError):
        DiskQueue(tmp_path / "q")
    assert list((tmp_path / "real").iterdir()) == []


@pytest.mark.parametrize("mode", [0o770, 0o702])
def test_a_directory_that_others_can_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "q").mkdir()
    (tmp_path / "q").chmod(mode)
    with pytest.raises(ConfigurationError, match=f"mode {mode:04o}.; chmod it to 0700"):
        DiskQueue(tmp_path / "q")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
def test_foreign_owners_are_refused(tmp_path: Path) -> None:
    place = tmp_path / "q"
    place.mkdir(0o700)
    (place / name_of(1)).write_bytes(b"")
    os.chown(place / name_of(1), 4321, 4321)
    with pytest.raises(ConfigurationError, match=r"seg belongs to user 4321, not to 0"):
        DiskQueue(place)
    (place / name_of(1)).unlink()
    os.chown(place, 4321, 4321)
    with pytest.raises(ConfigurationError, match="q belongs to user 4321"):
        DiskQueue(place)


def test_what_a_queue_makes_is_private(tmp_path: Path) -> None:
    queue = DiskQueue(tmp_path / "q")
    queue.put([b"a"])
    assert (tmp_path / "q").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "q").iterdir()} == {0o600}
    queue.close()
