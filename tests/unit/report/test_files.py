"""Files of results: whole or not at all, and in UTF-8."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from halfopen.errors import OutputError
from halfopen.report.files import STDOUT, check_writable, write_file

LIMITED = """
import resource, sys
from pathlib import Path
from halfopen.report.files import write_file
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
write_file(Path(sys.argv[1]), "x" * 5000)
"""
FOREVER = """
import sys
from pathlib import Path
from halfopen.report.files import write_file
while True:
    for letter in "ab":
        write_file(Path(sys.argv[1]), letter * 300_000)
"""


MANY = """
import itertools, sys
from pathlib import Path
from halfopen.report.files import check_writable, write_file
for number in itertools.count():
    path = Path(sys.argv[1], f"{number}.json")
    check_writable(path.parent, path)
    write_file(path, "x" * 300_000)
"""


def test_a_file_is_replaced_as_a_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    write_file(path, "old\n")
    write_file(path, "new \u2713 \udcff\n")
    assert path.read_bytes() == b"new \xe2\x9c\x93 \\udcff\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_file(tmp_path / "link", "text")
    assert (tmp_path / "file").read_text() == "text"
    assert (tmp_path / "link").is_symlink()


def test_a_full_disk_is_a_sentence_and_the_earlier_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text("old")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, path], capture_output=True, text=True, check=False
    )
    assert done.stderr.strip().endswith(f"OutputError: cannot write {path}: File too large")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_device_is_written_to_as_it_is() -> None:
    write_file(Path("/dev/null"), "x")
    with pytest.raises(OutputError, match="cannot write /dev/full: No space left on device"):
        write_file(Path("/dev/full"), "x")


def test_a_writer_that_is_killed_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    seen = set()
    for number in range(12):
        writer = subprocess.Popen([sys.executable, "-c", FOREVER, path])
        deadline = time.monotonic() + 20
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(0.1 + 0.007 * number)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        text = path.read_text()
        seen.add(text)
        path.unlink()
    assert seen <= {"a" * 300_000, "b" * 300_000}


def test_a_writer_that_is_killed_leaves_nothing_else(tmp_path: Path) -> None:
    for number in range(12):
        directory = tmp_path / str(number)
        directory.mkdir()
        writer = subprocess.Popen([sys.executable, "-c", MANY, directory])
        deadline = time.monotonic() + 20
        while not any(directory.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(0.003 * number)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        found = {(path.suffix, path.stat().st_size) for path in directory.iterdir()}
        assert found == {(".json", 300_000)}


def test_without_files_that_have_no_name_it_is_one_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, flags: int, mode: int = 0o777, **_: object) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return opened(path, flags, mode)

    opened = os.open
    monkeypatch.setattr(os, "open", refuse)
    path = tmp_path / "r.json"
    check_writable(tmp_path, path)
    assert list(tmp_path.iterdir()) == []
    for text in ("old", "new"):
        write_file(path, text)
        assert path.read_text() == text
        assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_is_said_before_anything_runs(tmp_path: Path) -> None:
    check_writable(tmp_path / "new", STDOUT, tmp_path / "r.json", None)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    with pytest.raises(OutputError, match=r"cannot write .*gone/r\.json: No such file"):
        check_writable(tmp_path, tmp_path / "gone/r.json")
