"""How messages get into programs, and what is read of programs: without a sandbox."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import asdict
from pathlib import Path

import pytest

from halfopen.labs.agent.follower import Follower
from halfopen.labs.agent.gauges import ImpstatsGauge, SpoolGauge, TextGauge
from halfopen.labs.agent.inlets import open_inlet
from halfopen.model.program import Feed, ProgramSpec, Ready, program_from_json


def test_a_file_grows_by_a_line_for_each_message(tmp_path: Path) -> None:
    inlet = open_inlet(Feed("file", str(tmp_path / "in")), "sender", None)
    asyncio.run(inlet.write([b"one", b"two"]))
    asyncio.run(inlet.write([b"three"]))
    assert (tmp_path / "in").read_bytes() == b"one\ntwo\nthree\n"


def test_a_datagram_holds_one_message(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as program:
        program.bind(path)
        inlet = open_inlet(Feed("unix datagram", path), "sender", None)
        assert inlet.whole
        asyncio.run(inlet.write([b"one", b"two"]))
        assert [program.recv(100), program.recv(100)] == [b"one", b"two"]
        inlet.close()


def test_a_stream_holds_lines_and_an_end(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as program:
        program.bind(path)
        program.listen()
        inlet = open_inlet(Feed("unix stream", path), "sender", None)
        assert not inlet.whole
        asyncio.run(inlet.write([b"one", b"two"]))
        inlet.close()
        accepted, _ = program.accept()
        with accepted, accepted.makefile("rb") as stream:
            assert stream.read() == b"one\ntwo\n"


@pytest.mark.parametrize("kind", ["unix datagram", "unix stream"])
def test_nobody_there_is_an_error_and_a_successor_is_found(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "log"
    type_ = socket.SOCK_DGRAM if kind == "unix datagram" else socket.SOCK_STREAM
    inlet = open_inlet(Feed(kind, str(path)), "sender", None)  # type: ignore[arg-type]
    with pytest.raises(OSError):
        asyncio.run(inlet.write([b"one"]))
    with socket.socket(socket.AF_UNIX, type_) as program:
        program.bind(str(path))
        if type_ is socket.SOCK_STREAM:
            program.listen()
        asyncio.run(inlet.write([b"two"]))
        inlet.close()


def test_figures_are_recorded_when_they_change(tmp_path: Path) -> None:
    path = tmp_path / "impstats"
    gauge = ImpstatsGauge("h", "p", Follower(path))
    assert list(gauge.read()) == []
    said = {"name": "main Q", "origin": "core.queue", "size": 3, "enqueued": 5}
    with path.open("a") as file:
        for figures in (said, said, {**said, "size": 4}, {"name": "global", "values": {}}):
            file.write(f"Sat Nov 21 23:51:17 2026: {json.dumps(figures)}\n")
        file.write("not JSON\n{torn")
    found = list(gauge.read())
    assert [each["values"]["size"] for each in found] == [3, 4]
    assert {(each["kind"], each["name"], each["origin"]) for each in found} == {
        ("impstats", "main Q", "core.queue")
    }


def test_a_spool_is_weighed_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("halfopen.labs.agent.gauges._PAUSE_S", 0.0)
    gauge = SpoolGauge("h", "p", tmp_path, tmp_path)
    (tmp_path / ".made").write_text("hidden files are ours")
    (tmp_path / "sub").mkdir()
    weighed = []
    for name, text in (("a", "12345"), ("sub/b", "678")):
        (tmp_path / name).write_text(text)
        weighed += [(each["files"], each["bytes"]) for each in gauge.read()]
        assert list(gauge.read()) == []
    assert weighed == [(1, 5), (2, 8)]


def test_words_are_recorded_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "said"
    path.write_bytes(b"start\n\xff torn")
    assert [each["line"] for each in TextGauge("h", "p", Follower(path)).read()] == ["start"]


def test_a_program_travels_into_a_sandbox_as_it_is() -> None:
    program = ProgramSpec(
        "relay",
        ("/bin/relay", "-f"),
        {"A": "1"},
        ready=Ready(listening=514, line="^up"),
        feed=Feed("tcp", port=1514),
        files={"/etc/relay": "text"},
        probes={"/spool": "spool"},
    )
    assert program_from_json(json.loads(json.dumps(asdict(program)))) == program
