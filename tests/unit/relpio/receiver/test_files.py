"""Files of received messages: what a crash left at their end, and who may have put them there."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relpio import as_lines, octet_counted
from relpio.receiver import files, formats
from relpio.receiver.files import WHOLE, open_append, whole_lines, whole_records
from relpio.receiver.output import FileOutput

from ..doubles import Events

FORMATS = {"line": as_lines, "octet-counted": octet_counted}


def good_end(path: Path, form: str) -> int:
    fd = os.open(path, os.O_RDONLY)
    try:
        return WHOLE[form](fd, path.stat().st_size)
    finally:
        os.close(fd)


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=6), st.data())
@pytest.mark.parametrize("chunk", [16, 1024])
@pytest.mark.parametrize("form", list(FORMATS))
def test_wherever_a_file_is_torn_its_whole_records_stay(
    form: str, chunk: int, tmp_path_factory: Any, messages: list[bytes], data: st.DataObject
) -> None:
    ends, whole = [0], b""
    for message in messages:
        whole += FORMATS[form]([message])
        ends.append(len(whole))
    cut = data.draw(st.integers(0, len(whole)))
    path = tmp_path_factory.getbasetemp() / f"torn-{form}-{chunk}"
    path.write_bytes(whole[:cut])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_CHUNK", chunk)
        expected = max(end for end in ends if end <= cut)
        if form == "line" and not expected:
            expected = cut  # without any end of a line nothing is cut
        assert good_end(path, form) == expected


def test_a_torn_end_is_cut_and_said_before_anything_is_appended(tmp_path: Path) -> None:
    for form, torn, rest in (
        ("line", b"one\ntw", b"one\n"), ("octet-counted", b"3 one3 t", b"3 one"),
        ("line", b"one", b"one\n"), ("octet-counted", b"3 one", b"3 one"), ("line", b"", b""),
    ):  # fmt: skip
        path, log = tmp_path / "out", Events()
        path.write_bytes(torn)
        fd = open_append(path, log, whole=WHOLE[form])
        os.write(fd, b"next")
        os.close(fd)
        assert path.read_bytes() == rest + b"next"
        assert [event["cut"] for event in log.of("output-torn")] == (
            [] if torn == rest else [max(0, len(torn) - len(rest))]
        )


@pytest.mark.parametrize("end", ["close", "reopen"])
def test_a_batch_that_a_full_disk_tore_is_cut_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr("relpio.receiver.output.RETRY", 0.01)
    write = os.write
    room = 5

    def write_or_not(fd: int, data: Any) -> int:
        nonlocal room
        if len(data) > 3:  # not the loop's own pipe
            if not room:
                raise OSError(errno.ENOSPC, "No space left on device")
            data, room = data[:room], max(0, room - len(data))
        return write(fd, data)

    async def main() -> None:
        nonlocal room
        path, log = tmp_path / "out", Events()
        path.write_bytes(b"before\n")
        output = FileOutput(open_append(path, log), log, path=path)
        monkeypatch.setattr(os, "write", write_or_not)
        done: list[bool] = []
        output.submit(b"message one\nmessage two\n", lambda: done.append(True))
        await asyncio.sleep(0.05)
        assert path.read_bytes() == b"before\nmessa"
        if end == "reopen":
            path.rename(tmp_path / "old")
            output.reopen()
            await asyncio.sleep(0.05)
            room = 1000
            await output.flushed()
            assert path.read_bytes() == b"message one\nmessage two\n"
        output.close()
        assert (tmp_path / ("old" if end == "reopen" else "out")).read_bytes() == b"before\n"
        assert done == ([True] if end == "reopen" else [])
        assert [event["cut"] for event in log.of("output-torn")] == [5]

    asyncio.run(main())


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "out").symlink_to(victim)
    with pytest.raises(OSError, match="a symbolic link is not followed"):
        open_append(tmp_path / "out", Events())
    assert victim.read_bytes() == b"precious"
    os.close(open_append(Path("/dev/stdout"), Events()))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
def test_a_file_of_somebody_else_in_a_public_directory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"")
    os.chown(path, 4321, 4321)
    os.close(open_append(path, Events()))  # the directory is ours: so is what it holds
    tmp_path.chmod(0o1777)
    with pytest.raises(OSError, match="belongs to user 4321"):
        open_append(path, Events())


def test_the_names_stay_in_step_with_the_formats() -> None:
    assert (WHOLE["line"], WHOLE["octet-counted"]) == (whole_lines, whole_records)
    assert WHOLE["json"] is whole_lines
    assert set(WHOLE) == set(formats.FORMATS)
