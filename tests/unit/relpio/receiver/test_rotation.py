"""Files that are moved aside when they are full or old, and compressed."""

from __future__ import annotations

import asyncio
import errno
import gzip
import os
import sys
import time
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relpio import ConfigurationError, FileOutput, SyncedFileOutput
from relpio.receiver.files import FileKind, whole_records
from relpio.receiver.rotated import RotatedFiles
from relpio.receiver.rotation import Rotation, move_aside

from ..doubles import Events

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import Tools


def opened(path: Path, log: Events, rotation: Rotation, *, synced: bool = False) -> FileOutput:
    kind = FileKind(rotation=rotation, synced=synced)
    make = SyncedFileOutput if synced else FileOutput
    return make(kind.open(path, log), log, path=path, kind=kind)


@pytest.mark.parametrize("synced", [False, True])
def test_a_full_file_is_moved_aside_between_batches(tmp_path: Path, synced: bool) -> None:
    async def main() -> None:
        log, done = Events(), list[int]()
        output = opened(tmp_path / "out", log, Rotation(size=10), synced=synced)
        for number in range(6):
            output.submit(b"abc%d\n" % number, partial(done.append, number))
            await output.flushed()
        output.submit(b"longer than ten bytes\n", partial(done.append, 6))
        output.submit(b"x\n", partial(done.append, 7))
        await output.flushed()
        assert done == list(range(8))
        assert log.names() == ["output-rotated"] * 3
        output.close()
        moved.extend(Path(each["to"]) for each in log.of("output-rotated"))

    moved: list[Path] = []
    asyncio.run(main())
    assert [path.read_bytes() for path in moved] == [
        b"abc0\nabc1\n", b"abc2\nabc3\n", b"abc4\nabc5\n",
    ]  # fmt: skip
    assert (tmp_path / "out").read_bytes() == b"longer than ten bytes\nx\n"


def test_a_file_of_another_day_is_moved_aside_and_an_empty_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.touch()
    os.utime(path, (0, 0))

    async def main() -> None:
        log = Events()
        output = opened(path, log, Rotation(every="day"))
        output.submit(b"a\n", lambda: None)
        await output.flushed()
        output.submit(b"b\n", lambda: None)
        await output.flushed()
        assert log.names() == []
        os.utime(path, (time.time() - 86_400,) * 2)
        output.submit(b"c\n", lambda: None)
        await output.flushed()
        assert log.names() == ["output-rotated"]
        output.close()

    asyncio.run(main())
    assert path.read_bytes() == b"c\n"


def test_hours_and_days_are_those_of_the_wall_clock(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"a\n")
    last = time.mktime((2026, 11, 27, 9, 59, 59, 0, 0, -1))
    os.utime(path, (last, last))
    with path.open("rb") as file:
        for seconds, hour, day in (
            (0, False, False),
            (2, True, False),
            (14 * 3600 + 2, True, True),
        ):
            assert Rotation(every="hour").due(file.fileno(), 1, last + seconds) == hour
            assert Rotation(every="day").due(file.fileno(), 1, last + seconds) == day


def test_a_file_that_cannot_be_moved_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Path:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("relpio.receiver.output.move_aside", fail)

    async def main() -> None:
        log, done = Events(), list[int]()
        output = opened(tmp_path / "out", log, Rotation(size=3))
        for number in range(3):
            output.submit(b"%d.\n" % number, partial(done.append, number))
            await output.flushed()
        assert done == [0, 1, 2]
        assert log.names() == ["rotation-failed"]
        output.close()

    asyncio.run(main())
    assert (tmp_path / "out").read_bytes() == b"0.\n1.\n2.\n"


def test_a_moved_file_replaces_no_other(tmp_path: Path) -> None:
    now, names = 1_000_000.0, []
    for _ in range(3):
        (tmp_path / "out").write_bytes(b"x")
        names.append(move_aside(tmp_path / "out", now).name)
        if len(names) == 1:  # as if it had been compressed since
            (tmp_path / names[0]).rename(tmp_path / f"{names[0]}.gz")
    assert names[1:] == [f"{names[0]}.1", f"{names[0]}.2"]


def test_moved_files_are_compressed(tmp_path: Path, tools: type[Tools]) -> None:
    log = Events()
    rotated = RotatedFiles(log, compression="gzip")

    async def main() -> None:
        output = opened(tmp_path / "out", log, Rotation(size=4, rotated=rotated))
        for data in (b"one\n", b"two\n", b"three\n"):
            output.submit(data, lambda: None)
            await output.flushed()
        output.close()

    asyncio.run(main())
    (tmp_path / "out").chmod(0o604)
    tools.wait_until(lambda: len(list(tmp_path.glob("out-*.gz"))) == 2)
    tools.wait_until(lambda: len(list(tmp_path.iterdir())) == 3)
    rotated.close()
    found = [gzip.decompress(path.read_bytes()) for path in sorted(tmp_path.glob("out-*"))]
    assert sorted(found) == [b"one\n", b"two\n"]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.gz")} <= {0o640, 0o600}


def test_what_cannot_be_compressed_stays(tmp_path: Path, tools: type[Tools]) -> None:
    log = Events()
    rotated = RotatedFiles(log, compression="gzip")
    (tmp_path / "out.gz.tmp").mkdir()
    (tmp_path / "out").write_bytes(b"x")
    rotated.add(tmp_path / "out", tmp_path / "gone")
    (tmp_path / "good").write_bytes(b"y")
    rotated.add(tmp_path / "out", tmp_path / "good")
    tools.wait_until((tmp_path / "good.gz").exists)
    assert log.of("compress-failed")[0]["path"] == str(tmp_path / "gone")
    rotated.close()
    assert (tmp_path / "out").read_bytes() == b"x"


def test_zstd_is_there_or_its_absence_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: type[Tools]
) -> None:
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(ConfigurationError, match="gzip is always available"):
        RotatedFiles(Events(), compression="zstd")
    package = ModuleType("zstandard")
    package.open = gzip.open  # type: ignore[attr-defined]  # of the same shape
    monkeypatch.setitem(sys.modules, "zstandard", package)
    rotated = RotatedFiles(Events(), compression="zstd")
    (tmp_path / "out").write_bytes(b"x")
    rotated.add(tmp_path / "out", tmp_path / "out")
    tools.wait_until(lambda: [path.name for path in tmp_path.iterdir()] == ["out.zst"])
    rotated.close()


def test_the_oldest_of_each_path_are_deleted(tmp_path: Path, tools: type[Tools]) -> None:
    out = tmp_path / "out"
    for name in (
        "out-20260101T000000", "out-20260101T000000.2.gz", "out-20260101T000000.10",
        "out-20260102T000000.zst", "out-20260103T000000", "out-20260103T000000.gz.tmp",
    ):  # fmt: skip
        (tmp_path / name).write_bytes(b"old")
    others = {
        "out", "out-20260101", "out-20260101T000000.bz2", "out-of-order", "out2-20260101T000000",
        "20260101T000000", "-20260101T000000",
    }  # fmt: skip
    for name in others:
        (tmp_path / name).write_bytes(b"other")
    (tmp_path / "out-20260101T000001").symlink_to(tmp_path / "out-of-order")
    (tmp_path / "out-20260101T000002").mkdir()
    others |= {"out-20260101T000001", "out-20260101T000002"}
    log = Events()
    rotated = RotatedFiles(log, keep=3)
    moved = tmp_path / "out-19990101T000000"  # the clock was set back
    moved.write_bytes(b"new")
    rotated.add(out, moved)
    tools.wait_until(lambda: len(log.names()) == 3)
    rotated.close()
    assert [Path(each["path"]).name for each in log.of("rotated-deleted")] == [
        "out-20260101T000000", "out-20260101T000000.2.gz", "out-20260101T000000.10",
    ]  # fmt: skip
    assert {path.name for path in tmp_path.iterdir()} == others | {
        moved.name, "out-20260102T000000.zst", "out-20260103T000000", "out-20260103T000000.gz.tmp",
    }  # fmt: skip


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_as_many_stay_as_are_to_be_kept(
    tmp_path: Path, tools: type[Tools], monkeypatch: pytest.MonkeyPatch, compression: str | None
) -> None:
    seconds = iter([0.0, 1.0, 1.0, 2.0, 3.0, 4.0, 4.0, 5.0])

    def moved(path: Path, now: float) -> Path:
        return move_aside(path, now // 10 * 10 + next(seconds))

    monkeypatch.setattr("relpio.receiver.output.move_aside", moved)
    log = Events()
    rotated = RotatedFiles(log, compression=compression, keep=2)

    async def main() -> None:
        output = opened(tmp_path / "out", log, Rotation(size=1, rotated=rotated))
        for number in range(8):
            output.submit(b"%d\n" % number, lambda: None)
            await output.flushed()
        output.close()

    asyncio.run(main())
    ending = "" if compression is None else ".gz"
    last = [each["to"] + ending for each in log.of("output-rotated")][-2:]
    tools.wait_until(lambda: sorted(map(str, tmp_path.glob("out-*"))) == sorted(last))
    rotated.close()
    assert not log.of("compress-failed") and not log.of("delete-failed")


def test_files_of_one_second_stay_until_a_later_one(tmp_path: Path, tools: type[Tools]) -> None:
    log = Events()
    rotated = RotatedFiles(log, keep=1)
    out, now = tmp_path / "out", 1_000_000.0
    names = []
    for number in range(4):
        out.write_bytes(b"%d" % number)
        names.append(move_aside(out, now + number // 3))
        rotated.add(out, names[-1])
    assert len(set(names)) == 4
    tools.wait_until(lambda: list(tmp_path.iterdir()) == names[-1:])
    rotated.close()
    assert [Path(each["path"]) for each in log.of("rotated-deleted")] == names[:3]


def test_what_cannot_be_deleted_is_said(
    tmp_path: Path, tools: type[Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *, missing_ok: bool) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    (tmp_path / "out-20260101T000000").touch()
    (tmp_path / "out-20260102T000000").touch()
    log = Events()
    rotated = RotatedFiles(log, keep=1)
    rotated.add(tmp_path / "out", tmp_path / "out-20260102T000000")
    tools.wait_until(lambda: log.names() == ["delete-failed"])
    rotated.close()


@given(st.lists(st.binary(max_size=30), max_size=12), st.integers(1, 60))
def test_no_record_is_divided_or_lost(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes], size: int
) -> None:
    directory = tmp_path_factory.mktemp("rotation")
    log = Events()

    async def main() -> None:
        output = opened(directory / "out", log, Rotation(size=size))
        for record in records:
            output.submit(b"%d %b" % (len(record), record), lambda: None)
            await output.flushed()
        output.close()

    asyncio.run(main())
    paths = [*(Path(each["to"]) for each in log.of("output-rotated")), directory / "out"]
    for path in paths:
        with path.open("rb") as file:
            length = path.stat().st_size
            assert whole_records(file.fileno(), length) == length
    together = b"".join(path.read_bytes() for path in paths)
    assert together == b"".join(b"%d %b" % (len(record), record) for record in records)
