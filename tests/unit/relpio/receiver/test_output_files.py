"""Files that are reopened, synced, or one for each host."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from relpio import ConfigurationError, FileOutput
from relpio.receiver.files import FileKind, open_append
from relpio.receiver.manyfiles import ManyFiles
from relpio.receiver.synced import SyncedFileOutput

from ..doubles import Events

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import Tools


def opened(path: Path, log: Events | None = None, *, synced: bool = False) -> FileOutput:
    kind = SyncedFileOutput if synced else FileOutput
    return kind(open_append(path, Events(), synced=synced), log or Events(), path=path)


@pytest.mark.parametrize("synced", [False, True])
def test_reopened_after_the_file_was_moved(tmp_path: Path, synced: bool) -> None:
    path, moved = tmp_path / "out", tmp_path / "out.1"

    async def main() -> None:
        log, done = Events(), list[int]()
        output = opened(path, log, synced=synced)
        output.submit(b"a\n", lambda: done.append(1))
        await output.flushed()
        path.rename(moved)
        output.submit(b"b\n", lambda: done.append(2))
        await output.flushed()
        output.reopen()
        output.submit(b"c\n", lambda: done.append(3))
        await output.flushed()
        assert done == [1, 2, 3]
        assert log.names() == ["output-reopened"]
        output.close()

    asyncio.run(main())
    assert moved.read_bytes() == b"a\nb\n"
    assert path.read_bytes() == b"c\n"


def test_what_a_full_disk_tore_moves_to_the_new_file_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, moved = tmp_path / "out", tmp_path / "out.1"
    real: Callable[[int, bytes], int] = os.write
    script: list[int | OSError] = [3, OSError(28, "No space left")]

    def write(fd: int, data: bytes) -> int:
        step = script.pop(0) if script else None
        if isinstance(step, OSError):
            path.rename(moved)
            output[0].reopen()
            raise step
        return real(fd, data[:step])

    output: list[FileOutput] = []

    async def main() -> None:
        monkeypatch.setattr("relpio.receiver.output.RETRY", 0.001)
        output.append(opened(path))
        monkeypatch.setattr("relpio.receiver.output.os.write", write)
        output[0].submit(b"first line\n", lambda: None)
        await asyncio.sleep(0)
        output[0].submit(b"second\n", lambda: None)
        await output[0].flushed()
        output[0].close()

    asyncio.run(main())
    assert moved.read_bytes() == b""
    assert path.read_bytes() == b"first line\nsecond\n"


def test_a_directory_that_is_gone_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: type[Tools]
) -> None:
    monkeypatch.setattr("relpio.receiver.output.RETRY", 0.001)
    directory = tmp_path / "logs"
    directory.mkdir()

    async def main() -> None:
        log, done = Events(), list[bool]()
        output = opened(directory / "out", log)
        directory.rename(tmp_path / "old")
        output.reopen()
        output.submit(b"a\n", lambda: done.append(True))
        await tools.eventually(lambda: "output-error" in log.names())
        assert done == []
        directory.mkdir()
        await output.flushed()
        assert (directory / "out").read_bytes() == b"a\n"
        assert log.names() == ["output-error", "output-reopened", "output-recovered"]
        output.close()

    asyncio.run(main())


class Disk:
    """Stands in for fdatasync: it is done when a test says so, and fails when it says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self.failures: list[OSError] = []
        self.gate = threading.Semaphore(0)
        monkeypatch.setattr("relpio.receiver.synced.os.fdatasync", self._sync)

    def _sync(self, fd: int) -> None:
        self.calls += 1
        assert self.gate.acquire(timeout=20)
        if self.failures:
            raise self.failures.pop(0)


def test_one_sync_answers_for_everything_written_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: type[Tools]
) -> None:
    disk = Disk(monkeypatch)

    async def main() -> None:
        done: list[int] = []
        output = opened(tmp_path / "out", synced=True)
        output.submit(b"0\n", lambda: done.append(0))
        await tools.eventually(lambda: disk.calls == 1)
        for number in range(1, 100):  # these come while the first sync runs
            output.submit(b"%d\n" % number, lambda number=number: done.append(number))  # type: ignore[misc]
            await asyncio.sleep(0)
        await tools.eventually(lambda: len((tmp_path / "out").read_bytes().splitlines()) == 100)
        assert done == []
        disk.gate.release()
        await tools.eventually(lambda: disk.calls == 2)
        assert done == [0]
        assert not output.idle
        disk.gate.release()
        await output.flushed()
        assert done == list(range(100))
        assert disk.calls == 2
        output.close()

    asyncio.run(main())


def test_after_a_sync_that_failed_everything_unconfirmed_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: type[Tools]
) -> None:
    disk = Disk(monkeypatch)
    monkeypatch.setattr("relpio.receiver.synced.RETRY", 0.001)

    async def main() -> None:
        log, done = Events(), list[bytes]()
        output = opened(tmp_path / "out", log, synced=True)
        output.submit(b"a\n", lambda: done.append(b"a"))
        disk.gate.release()
        await output.flushed()
        output.submit(b"b\n", lambda: done.append(b"b"))
        await tools.eventually(lambda: disk.calls == 2)
        output.submit(b"c\n", lambda: done.append(b"c"))
        await tools.eventually(lambda: (tmp_path / "out").read_bytes() == b"a\nb\nc\n")
        disk.failures.append(OSError(5, "I/O error"))
        disk.gate.release()
        await tools.eventually(lambda: disk.calls == 3)
        assert done == [b"a"]
        assert (tmp_path / "out").read_bytes() == b"a\nb\nc\nb\nc\n"
        disk.gate.release(2)
        await output.flushed()
        assert done == [b"a", b"b", b"c"]
        assert log.names()[0] == "output-error"
        assert output.errors == 1
        output.close()

    asyncio.run(main())


def test_only_a_regular_file_can_be_synced() -> None:
    async def main() -> None:
        reader, writer = os.pipe()
        with pytest.raises(ConfigurationError, match="regular file"):
            SyncedFileOutput(writer, Events())
        os.close(reader)
        os.close(writer)

    asyncio.run(main())


def test_closed_during_a_sync_the_descriptor_lives_until_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: type[Tools]
) -> None:
    disk = Disk(monkeypatch)

    async def main() -> None:
        done: list[bool] = []
        output = opened(tmp_path / "out", synced=True)
        fd = output._fd
        output.submit(b"a\n", lambda: done.append(True))
        await tools.eventually(lambda: disk.calls == 1)
        output.close()
        os.fstat(fd)
        disk.gate.release()

        def closed() -> bool:
            try:
                os.fstat(fd)
            except OSError:
                return True
            return False

        await tools.eventually(closed)
        assert done == []

    asyncio.run(main())


def open_below(directory: Path) -> int:
    """Descriptors of this process that are open on files of `directory`."""
    links = (
        str(fd.readlink()) if fd.is_symlink() else "" for fd in Path("/proc/self/fd").iterdir()
    )
    return sum(link.startswith(f"{directory}/") for link in links)


@pytest.mark.parametrize("synced", [False, True])
def test_each_host_has_its_file_and_few_are_open(tmp_path: Path, synced: bool) -> None:
    async def main() -> None:
        output = ManyFiles(Events(), most=3, kind=FileKind(synced=synced))
        written = 0
        most = 0

        def count() -> None:
            nonlocal written
            written += 1

        for turn in range(3):
            for host in range(20):
                output.submit_to(f"{tmp_path}/192.0.2.{host}.log", b"%d\n" % turn, count)
                most = max(most, open_below(tmp_path))
            await asyncio.sleep(0)
        await output.flushed()
        assert most <= 3
        assert written == 60
        output.close()
        assert open_below(tmp_path) == 0

    asyncio.run(main(), debug=False)
    for host in range(20):
        assert (tmp_path / f"192.0.2.{host}.log").read_bytes() == b"0\n1\n2\n"


def test_files_of_hosts_are_reopened(tmp_path: Path) -> None:
    async def main() -> None:
        output = ManyFiles(Events())
        for text in (b"a\n", b"b\n"):
            output.submit_to(str(tmp_path / "::1"), text, lambda: None)
            await output.flushed()
            if text == b"a\n":
                (tmp_path / "::1").rename(tmp_path / "moved")
                output.reopen()
        output.close()

    asyncio.run(main())
    assert (tmp_path / "moved").read_bytes() == b"a\n"
    assert (tmp_path / "::1").read_bytes() == b"b\n"


def test_without_descriptors_hosts_wait_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: type[Tools]
) -> None:
    monkeypatch.setattr("relpio.receiver.manyfiles.RETRY", 0.001)
    exhausted = True

    def open_or_fail(path: Path, *args: Any, **more: Any) -> int:
        if exhausted and path.name != "a":
            raise OSError(24, "Too many open files")
        return open_append(path, *args, **more)

    monkeypatch.setattr("relpio.receiver.files.open_append", open_or_fail)

    async def main() -> None:
        nonlocal exhausted
        log, done = Events(), list[str]()
        output = ManyFiles(log)
        for host in ("a", "b", "c", "b"):
            output.submit_to(str(tmp_path / host), host.encode(), partial(done.append, host))
        await tools.eventually(lambda: done == ["a"])
        await tools.eventually(lambda: log.names() == ["output-error"] and output.failing)
        assert output.errors > 0
        exhausted = False
        await output.flushed()
        assert not output.failing
        assert sorted(done) == ["a", "b", "b", "c"]
        assert log.names() == ["output-error", "output-recovered"]
        output.close()

    asyncio.run(main())
    assert (tmp_path / "b").read_bytes() == b"bb"


def test_at_least_one_file() -> None:
    async def main() -> Any:
        with pytest.raises(ConfigurationError):
            ManyFiles(Events(), most=0)

    asyncio.run(main())
