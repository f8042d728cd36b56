"""The file of a history: whole lines, never without its header, and not through a link."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from halfopen.errors import OutputError
from halfopen.model.history import FILE_NAME, VERSION, read_history
from halfopen.model.recording import HistoryWriter, is_history
from halfopen.model.records import HeaderRecord

from ..records import record

HEADER = cast(
    HeaderRecord,
    record(
        "header",
        version=VERSION,
        scenario="a test",
        file="a.scenario.yaml",
        variant="default",
        lab="netns",
        scale=600,
        seed=0,
        started="2026-01-01T00:00:00+00:00",
        sample_s=0.25,
        plan={},
    ),
)
# A file may have so many bytes and no more: what a disk that becomes full does to a write.
FULL = """
import json, resource, signal, sys
from pathlib import Path
from halfopen.errors import OutputError
from halfopen.model.recording import HistoryWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
directory, header = Path(sys.argv[1]), json.loads(sys.argv[2])
most = int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
try:
    with HistoryWriter(directory, header) as writer:
        for number in range(100):
            writer.write({"t": 1.0, "kind": "sent", "host": "a", "seqs": [[number, number]]})
except OutputError as error:
    print(error)
"""


def full(directory: Path, most: int) -> str:
    command = [sys.executable, "-c", FULL, str(directory), json.dumps(HEADER), str(most)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_record_is_in_the_file_as_soon_as_it_is_written(tmp_path: Path) -> None:
    records = [
        record("sent", 1.0, host="a", seqs=[[1, 1]]),
        record("accepted", 1.0, host="a", seqs=[[1, 1]]),
        record("acked", 1.0, host="a", seqs=[[1, 1]]),
        record("delivered", 1.0, host="b", seqs=[[1, 1]], corrupt=[], unexpected=[]),
    ]
    path = tmp_path / FILE_NAME
    with HistoryWriter(tmp_path, HEADER) as writer:
        for number, each in enumerate(records, 1):
            writer.write(each)
            found = [json.loads(line) for line in path.read_text().splitlines()]
            assert found == [HEADER, *records[:number]], "a killed run has what it wrote"
    assert [each.name for each in tmp_path.iterdir()] == [FILE_NAME]


def test_a_full_disk_leaves_the_whole_lines_and_is_a_sentence(tmp_path: Path) -> None:
    for most in range(700, 760, 7):
        said = full(tmp_path, most)
        assert said == f"cannot write {tmp_path / FILE_NAME}: File too large"
        data = (tmp_path / FILE_NAME).read_bytes()
        assert data.endswith(b"\n")
        numbers = [r["seqs"][0][0] for r in read_history(tmp_path).records if r["kind"] == "sent"]
        assert numbers == list(range(len(numbers)))
        # Not one line less than there was room for.
        assert most - len(data) < len(data.splitlines()[-1]) + 2


def test_without_room_for_the_header_there_is_no_file_and_the_earlier_one_stays(
    tmp_path: Path,
) -> None:
    assert full(tmp_path, 100).endswith("File too large")
    assert not list(tmp_path.iterdir())
    (tmp_path / FILE_NAME).write_text("earlier")
    assert full(tmp_path, 100).endswith("File too large")
    assert (tmp_path / FILE_NAME).read_text() == "earlier"


def test_after_a_full_disk_what_fits_again_is_a_whole_line(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with HistoryWriter(tmp_path, HEADER) as writer:
        size = (tmp_path / FILE_NAME).stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, hard))
        try:
            with pytest.raises(OutputError, match="File too large"):
                writer.write(record("sent", 1.0, host="a", seqs=[[1, 1]]))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        writer.write(record("end", 2.0, reason="error", detail="full"))
    history = read_history(tmp_path)
    assert [each["kind"] for each in history.records] == ["header", "end"]


def test_a_link_of_that_name_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / FILE_NAME).symlink_to(tmp_path / "theirs")
    with HistoryWriter(tmp_path, HEADER):
        pass
    assert (tmp_path / "theirs").read_text() == "theirs"
    assert not (tmp_path / FILE_NAME).is_symlink()


def test_a_history_is_known_by_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    for text, expected in (
        (json.dumps(HEADER), True),
        (json.dumps(HEADER, separators=(",", ":"))[:60], True),
        ("", True),
        ('{"kind": "log"}', False),
        ('my notes about "kind":"header"', False),
    ):
        path.write_text(text)
        assert is_history(path) is expected
    (tmp_path / "link").symlink_to(path)
    assert not is_history(tmp_path / "link")
    assert not is_history(tmp_path)
