"""Several outputs: who takes what, when it counts as written, and how they are replaced."""

from __future__ import annotations

import asyncio
import base64
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relpio import FORMATS, ConfigurationError, FileOutput, Selector
from relpio.receiver.destinations import Destination, Outputs, check_complete
from relpio.receiver.files import FileKind, open_append
from relpio.receiver.manyfiles import ManyFiles
from relpio.receiver.received import Received
from relpio.receiver.templates import Template

from ..doubles import Events

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import Tools

MESSAGES = [b"<11>1 - web1 nginx - - - 0", b"<22>1 - db1 cron - - - 1", b"none"]


def to_file(path: Path, selector: str = "", form: str = "line") -> Destination:
    target = FileOutput(open_append(path, Events()), Events(), path=path)
    return Destination(FORMATS[form], target, selector=Selector(selector))


def received(*messages: bytes) -> Received:
    return Received("192.0.2.1", 1000.0, list(messages))


def test_each_output_takes_its_messages_and_rest_the_others(tmp_path: Path) -> None:
    async def main() -> None:
        done: list[int] = []
        outputs = Outputs(
            [
                to_file(tmp_path / "bad", "severity<=err"),
                to_file(tmp_path / "db", "host=db*"),
                to_file(tmp_path / "cron", "app=cron"),
                to_file(tmp_path / "rest", "rest"),
            ]
        )
        outputs.submit_received(received(*MESSAGES), partial(done.append, 1))
        outputs.submit_received(received(MESSAGES[1]), partial(done.append, 2))
        await outputs.flushed()
        assert sorted(done) == [1, 2]
        await outputs.stop(1.0)

    asyncio.run(main())
    found = {path.name: path.read_bytes().splitlines() for path in tmp_path.iterdir()}
    db = [MESSAGES[1], MESSAGES[1]]
    assert found == {"bad": MESSAGES[:1], "db": db, "cron": db, "rest": MESSAGES[2:]}


def test_written_means_written_by_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: type[Tools]
) -> None:
    monkeypatch.setattr("relpio.receiver.manyfiles.RETRY", 0.01)

    async def main() -> None:
        done: list[int] = []
        template = Template(f"{tmp_path}/{{host}}/log")
        many = Destination(FORMATS["line"], ManyFiles(Events()), template)
        outputs = Outputs([many, to_file(tmp_path / "all")])
        outputs.submit_received(received(*MESSAGES), partial(done.append, 1))
        (tmp_path / "web1").mkdir()
        (tmp_path / "192.0.2.1").mkdir()
        everything = b"\n".join(MESSAGES) + b"\n"
        await tools.eventually(lambda: (tmp_path / "all").read_bytes() == everything)
        await tools.eventually((tmp_path / "web1/log").exists)
        assert done == []  # one directory is missing
        assert outputs.errors > 0
        (tmp_path / "db1").mkdir()
        await outputs.flushed()
        assert done == [1]
        await outputs.stop(1.0)

    asyncio.run(main())
    assert (tmp_path / "db1/log").read_bytes() == MESSAGES[1] + b"\n"


def test_directories_are_made_with_their_modes(tmp_path: Path) -> None:
    async def main() -> None:
        kind = FileKind(synced=True, mode=0o604, directory_mode=0o701)
        template = Template(f"{tmp_path}/a/{{host}}/{{app}}")
        outputs = Outputs([Destination(FORMATS["line"], ManyFiles(Events(), kind=kind), template)])
        outputs.submit_received(received(*MESSAGES), lambda: None)
        await outputs.flushed()
        await outputs.stop(1.0)

    asyncio.run(main())
    for path, mode in (("a", 0o701), ("a/web1", 0o701), ("a/web1/nginx", 0o604)):
        assert (tmp_path / path).stat().st_mode & 0o777 == mode


def test_what_a_broken_output_holds_goes_to_its_successor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: type[Tools]
) -> None:
    monkeypatch.setattr("relpio.receiver.output.RETRY", 0.01)

    async def main() -> None:
        done: list[int] = []
        full = Path("/dev/full")
        target = FileOutput(open_append(full, Events()), Events(), path=full)
        outputs = Outputs([Destination(FORMATS["line"], target)])
        outputs.submit_received(received(b"a", b"b"), partial(done.append, 1))
        outputs.submit_received(received(b"c"), partial(done.append, 2))
        await tools.eventually(lambda: outputs.errors > 1)
        with pytest.raises(ConfigurationError):
            outputs.replace([to_file(tmp_path / "x", "host=a")], 1.0)
        outputs.replace([to_file(tmp_path / "new", form="json")], 1.0)
        outputs.submit_received(received(b"d"), partial(done.append, 3))
        await outputs.flushed()
        assert done == [1, 2, 3]
        assert not outputs.failing
        assert outputs.errors > 1
        await outputs.stop(1.0)

    asyncio.run(main())
    lines = (tmp_path / "new").read_text().splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("selectors", [[], ["host=a"], ["host=a", "host!=a"]])
def test_a_message_must_have_a_place(selectors: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="rest"):
        check_complete([Selector(text) for text in selectors])


def test_json_says_what_is_known() -> None:
    line = FORMATS["json"](received(b"<34>Oct  1 22:14:15 db su[8]: h\xc3\xa9\n"))
    assert line.count(b"\n") == 1
    assert json.loads(line) == {
        "received": "1970-01-01T00:16:40.000000+00:00", "peer": "192.0.2.1",
        "facility": "auth", "severity": "crit", "time": "Oct  1 22:14:15", "host": "db",
        "app": "su", "process": "8", "text": "h\u00e9\n",
        "message": "<34>Oct  1 22:14:15 db su[8]: h\u00e9\n",
    }  # fmt: skip


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=6))
def test_json_loses_nothing(messages: list[bytes]) -> None:
    lines = FORMATS["json"](received(*messages)).splitlines()
    found = [json.loads(line) for line in lines]
    assert [
        base64.b64decode(each["message_base64"])
        if "message_base64" in each
        else each["message"].encode()
        for each in found
    ] == messages


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=6))
def test_counted_records_are_read_back(messages: list[bytes]) -> None:
    data, found = FORMATS["octet-counted"](received(*messages)), []
    while data:
        size, _, rest = data.partition(b" ")
        found.append(rest[: int(size)])
        data = rest[int(size) :]
    assert found == messages


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=6))
def test_a_line_is_a_message(messages: list[bytes]) -> None:
    lines = FORMATS["line"](received(*messages)).split(b"\n")
    assert lines.pop() == b""
    assert lines == [each.replace(b"\n", b"#012").replace(b"\0", b"#000") for each in messages]
