"""Damaged files of a queue: found, said with place and numbers, set aside, repaired."""

from __future__ import annotations

import argparse
import dataclasses
import io
import os
import random
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relpio import ConfigurationError
from relpio.command import queue_command
from relpio.metrics.exposition import prometheus_text
from relpio.metrics.registry import Registry
from relpio.queue import positions, segment
from relpio.queue.disk import DiskQueue
from relpio.queue.files import RealDirectory
from relpio.queue.findings import Finding
from relpio.queue.records import (
    BLOCK_SIZE,
    FOOTER,
    HEADER,
    encode_block,
    encode_footer,
    encode_header,
)
from relpio.queue.segment import SegmentReader
from relpio.queue.settings import QueueSettings, QueueType
from relpio.sender.queues import open_queues

from ..doubles import Events

EXAMPLES = 20_000 if os.environ.get("HALFOPEN_SOAK") else 300
DISK = QueueSettings(type=QueueType.DISK, filename="q", size=10**6, max_file_size=1024)
COUNT, ACKED = 60, 13


@pytest.fixture(autouse=True)
def short_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(positions, "LENGTH", 512)


def message(number: int) -> bytes:
    return b"<13>message %d " % number + b"." * (number % 7 * 20)


def fill(path: Path) -> None:
    """A queue that was closed in order: 60 messages over several segments, 13 acknowledged."""
    queue = DiskQueue(path, DISK)
    for first in range(1, COUNT + 1, 5):
        queue.put([message(number) for number in range(first, first + 5)])
    queue.ack(queue.lease(ACKED).numbers)
    queue.close()


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    fill(tmp_path / "q")
    return tmp_path / "q"


def take_all(path: Path) -> tuple[list[int], list[Finding]]:
    """Deliver everything, checking each message; return the numbers, and what was found wrong."""
    queue = DiskQueue(path, DISK)
    numbers: list[int] = []
    while len(queue):
        lease = queue.lease(7)
        assert list(lease.messages) == [message(number) for number in lease.numbers]
        numbers += lease.numbers
        queue.ack(lease.numbers)
    queue.close()
    assert numbers == sorted(set(numbers))
    return numbers, queue.damage


def lost_in(findings: list[Finding]) -> set[int]:
    return {n for found in findings for a, b in found.lost for n in range(a, b + 1)}


def segments(path: Path) -> list[Path]:
    return sorted(path.glob("*.seg"))


def indexes(path: Path) -> list[Path]:
    return sorted(path.glob("position.*"))


DUE = set(range(ACKED + 1, COUNT + 1))


def check(path: Path) -> list[Finding]:
    """Whatever happened to one file: what is not delivered is called lost, and the other way."""
    numbers, findings = take_all(path)
    assert DUE - set(numbers) <= lost_in(findings)
    assert not set(numbers) & lost_in(findings)
    # It is said once; and the queue can be gone on with.
    queue = DiskQueue(path, DISK)
    assert not queue.damage and not len(queue)
    queue.put([b"new"])
    assert queue.lease(2).messages == [b"new"]
    queue.close()
    return findings


def test_nothing_is_found_where_nothing_is_wrong(filled: Path) -> None:
    numbers, findings = take_all(filled)
    assert set(numbers) == DUE and not findings


def test_no_index_is_no_clean_start(filled: Path) -> None:
    for index in indexes(filled):
        index.unlink()
    findings = check(filled)
    assert [found.problem for found in findings[:2]] == ["missing", "missing"]
    assert not lost_in(findings)


def test_an_emptied_index_is_set_aside(filled: Path) -> None:
    for index in indexes(filled):
        index.write_bytes(b"\0" * 100)
    assert not lost_in(check(filled))
    assert (filled / "position.0.bad").exists()


@pytest.mark.parametrize("which", [0, 1, -1])
def test_a_missing_segment_is_lost_by_its_numbers(filled: Path, which: int) -> None:
    firsts = [int(each.stem) for each in segments(filled)] + [COUNT + 1]
    segments(filled)[which].unlink()
    findings = check(filled)
    gone = range(firsts[:-1][which], firsts[1:][which])
    assert len(findings) == 1 and lost_in(findings) == DUE & set(gone)


def test_all_segments_missing(filled: Path) -> None:
    for each in segments(filled):
        each.unlink()
    assert lost_in(check(filled)) == DUE


def test_a_segment_cut_short(filled: Path) -> None:
    cut = segments(filled)[1]
    os.truncate(cut, cut.stat().st_size // 2)
    findings = check(filled)
    assert 0 < len(lost_in(findings)) < 20
    assert (filled / (cut.name + ".bad")).exists()


def test_one_octet_costs_one_message(filled: Path) -> None:
    damaged = segments(filled)[1]
    octets = bytearray(damaged.read_bytes())
    place = octets.index(b"message 25 ")
    octets[place] ^= 1
    damaged.write_bytes(octets)
    findings = check(filled)
    assert lost_in(findings) == {25}
    assert findings[0].file == damaged.name and findings[0].byte is not None
    assert (filled / (damaged.name + ".bad")).read_bytes() == octets


def test_a_segment_of_another_queue_is_not_read(filled: Path, tmp_path: Path) -> None:
    fill(tmp_path / "other")
    names = [each.name for each in segments(filled)]
    shutil.copy(tmp_path / "other" / names[1], filled / names[1])
    findings = check(filled)
    assert "belongs to another queue" in findings[0].problem
    assert lost_in(findings)


def mutate(path: Path, rng: random.Random) -> None:
    victim = rng.choice([*segments(path), *indexes(path)])
    octets = bytearray(victim.read_bytes())
    at = rng.randrange(len(octets))
    until = rng.randrange(at, len(octets))
    what = rng.randrange(5)
    if what == 0:
        victim.unlink()
        return
    if what == 1:
        del octets[at:]
    elif what == 2:
        octets[at] ^= 1 << rng.randrange(8)
    elif what == 3:
        octets[at:until] = bytes(until - at)
    else:
        octets[at:until] = rng.randbytes(rng.randrange(300))
    victim.write_bytes(octets)


@settings(
    max_examples=EXAMPLES // 3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.integers(0, 2**32))
def test_any_damage_to_a_file(filled: Path, seed: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "q"
        shutil.copytree(filled, path)
        mutate(path, random.Random(seed))
        check(path)


class Bytes:
    """A file in memory, only to be read."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.most = 0

    def read(self, offset: int, size: int) -> bytes:
        self.most = max(self.most, size)
        return self.octets[offset : offset + size]

    def write(self, offset: int, data: bytes) -> None:
        raise AssertionError("nothing is written here")

    def truncate(self, size: int) -> None:
        raise AssertionError("nothing is written here")

    allocate = truncate

    def sync(self) -> None:
        pass

    def size(self) -> int:
        return len(self.octets)

    def close(self) -> None:
        pass


def read(octets: bytes, queue: int) -> Iterator[tuple[int, bytes]]:
    file = Bytes(octets)
    reader = SegmentReader(file, queue)
    before = HEADER
    while (found := reader.next(len(octets))) is not None:
        assert before == found.offset < found.end <= len(octets)
        before = found.end
        for number, text in enumerate(found.messages, found.first):
            if text is not None:
                yield number, text
    assert file.most <= max(segment.CHUNK, len(octets))


GOOD = b"".join(
    [
        encode_header(7, 1),
        encode_block(7, 1, [message(n) for n in range(1, 20)]),
        encode_block(7, 20, [b"", b"x" * 3000]),
        encode_block(7, 22, [message(22)]),
        encode_footer(7, 22),
    ]
)
TRUE = {**{n: message(n) for n in range(1, 20)}, 20: b"", 21: b"x" * 3000, 22: message(22)}


def test_reading_what_was_written() -> None:
    assert dict(read(GOOD, 7)) == TRUE
    assert dict(read(GOOD, 8)) == {}


def test_every_octet_changed_and_every_length() -> None:
    for at in range(len(GOOD)):
        changed = GOOD[:at] + bytes([GOOD[at] ^ 0x20]) + GOOD[at + 1 :]
        assert dict(read(changed, 7)).items() <= TRUE.items()
        assert dict(read(GOOD[:at], 7)).items() <= TRUE.items()


def test_one_bad_byte_in_a_block_costs_the_message_that_it_is_in_and_no_other() -> None:
    """Nothing at all in header and tables: their crc says what the byte was."""
    bodies = {
        at: number
        for number, text in TRUE.items()
        for at in range(GOOD.index(text), GOOD.index(text) + len(text))
    }
    for at in range(HEADER, len(GOOD) - FOOTER):
        changed = bytearray(GOOD)
        changed[at] ^= 1 << at % 8 if at % 3 else 0xFF
        lost = TRUE.keys() - dict(read(bytes(changed), 7))
        assert lost == ({bodies[at]} if at in bodies else set()), at


def test_a_stretch_of_bad_bytes_in_the_tables_costs_the_messages_whose_entries_it_hits() -> None:
    lengths = HEADER + BLOCK_SIZE
    checks = lengths + 4 * 19
    for table in (lengths, checks):
        for first in range(17):
            changed = bytearray(GOOD)
            changed[table + 4 * first : table + 4 * first + 12] = b"\xa5\x5a\0" * 4
            assert TRUE.keys() - dict(read(bytes(changed), 7)) == {first + 1, first + 2, first + 3}


def test_losses_are_counted_and_end_a_sender_with_status_1(filled: Path) -> None:
    damaged = segments(filled)[1]
    octets = bytearray(damaged.read_bytes())
    octets[octets.index(b"message 25 ")] ^= 1
    damaged.write_bytes(octets)
    parameters = dataclasses.replace(DISK, spool_directory=filled.parent)
    log = Events()
    queues = open_queues(parameters, log=log)
    registry = Registry()
    queues.register(registry)
    while numbers := queues.source.lease(100).numbers:
        queues.source.ack(numbers)
    assert queues.lost == 1
    assert 'relpio_queue_lost_total{queue="queue"} 1' in prometheus_text(registry)
    assert log.of("queue-damage")[0]["count"] == 1
    queues.close()


def test_a_format_of_another_version_is_refused_and_left_as_it_is(filled: Path) -> None:
    later = segments(filled)[0]
    octets = bytearray(later.read_bytes())
    octets[7:8] = b"2"
    later.write_bytes(octets)
    shutil.copytree(filled, filled.parent / "copy")
    assert check(filled.parent / "copy")  # the crc does not fit: that is damage, not a version
    octets[HEADER - 4 : HEADER] = zlib.crc32(octets[: HEADER - 4]).to_bytes(4, "little")
    later.write_bytes(octets)
    before = {each.name: each.read_bytes() for each in filled.iterdir()}
    with pytest.raises(ConfigurationError, match=r"0011\.seg is a queue file of format 2, which"):
        DiskQueue(filled, DISK)
    assert {each.name: each.read_bytes() for each in filled.iterdir()} == before


PIECES = st.sampled_from([GOOD, GOOD[32:], GOOD[32:90], GOOD[-24:], b"RqB1", b"\0" * 64, b"RqE1"])


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(PIECES | st.binary(max_size=200), max_size=8).map(b"".join))
def test_arbitrary_octets_as_a_segment(octets: bytes) -> None:
    assert dict(read(octets, 7)).items() <= TRUE.items()


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(max_size=400), st.binary(max_size=400))
def test_arbitrary_octets_as_an_index(one: bytes, other: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        for index, octets in zip(positions.NAMES, (one, other), strict=True):
            (Path(name) / index).write_bytes(octets)
        queue = DiskQueue(Path(name), DISK)
        assert not len(queue)
        assert queue.damage
        queue.close()


def test_a_block_that_claims_the_world_takes_no_memory() -> None:
    claim = b"RqB1" + (4096).to_bytes(4, "little") + b"\1" + b"\0" * 7 + b"\xff" * 8
    assert list(read(GOOD[:HEADER] + claim * 100, 7)) == []


def test_two_processes_cannot_share_a_directory(tmp_path: Path) -> None:
    queue = DiskQueue(tmp_path / "q", DISK)
    with pytest.raises(ConfigurationError, match="in use by another process"):
        DiskQueue(tmp_path / "q", DISK)
    queue.close()
    DiskQueue(tmp_path / "q", DISK).close()


def command(action: str, path: Path) -> tuple[int, str]:
    out = io.StringIO()
    status = queue_command.run(argparse.Namespace(action=action, directory=path), out)
    return status, out.getvalue()


def test_show_verify_and_repair(filled: Path, tmp_path: Path) -> None:
    assert command("show", filled)[0] == command("verify", filled)[0] == 0
    assert f"{len(DUE)} messages" in command("verify", filled)[1]
    assert command("repair", filled)[1].endswith("nothing to repair\n")
    damaged = segments(filled)[1]
    octets = bytearray(damaged.read_bytes())
    octets[octets.index(b"message 25 ")] ^= 1
    damaged.write_bytes(octets)
    assert command("show", filled)[0] == 0  # it does not read them
    status, text = command("verify", filled)
    assert status == 1 and f"{damaged.name}, byte" in text and "lost: messages 25" in text
    assert damaged.read_bytes() == octets
    status, text = command("repair", filled)
    assert status == 1 and "repaired" in text and f"{damaged.name}.bad" in text
    assert command("verify", filled)[0] == 0
    numbers, findings = take_all(filled)
    assert set(numbers) == DUE - {25} and not findings


def test_the_command_and_what_is_no_queue(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("verify", tmp_path)[0] == 2
    assert command("show", tmp_path / "nothing")[0] == 2
    assert "is not a directory" in capsys.readouterr().err
    RealDirectory(tmp_path / "q").close()
    assert command("repair", tmp_path / "q")[0] == 2
