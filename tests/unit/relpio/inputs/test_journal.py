"""The systemd journal as an input: entries, headers, cursor, and a journalctl that ends."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from relpio.command.main import main
from relpio.errors import ConfigurationError
from relpio.inputs import journal
from relpio.inputs.entries import Entry, messages_of, parse_entry
from relpio.inputs.headers import Header
from relpio.inputs.journal import JournalInput

from ..doubles import Events

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import Tools

HEADER = Header(form="rfc5424", facility="user", severity="notice", host="here", app="relpio")

# As journalctl 252 wrote it.
ENTRY = {
    "__REALTIME_TIMESTAMP": "1795768156719395", "_PID": "8125", "SYSLOG_IDENTIFIER": "prog",
    "__MONOTONIC_TIMESTAMP": "27445108707", "PRIORITY": "3", "_COMM": "python3",
    "_SOURCE_REALTIME_TIMESTAMP": "1795768156714634", "MESSAGE": "hello", "_HOSTNAME": "vm",
    "_BOOT_ID": "9cd94c1d140f46f8bbdbf954e7929938", "SYSLOG_FACILITY": "4",
    "__CURSOR": "s=38f40fa97d51478d9430967641402fd5;i=7ea;b=9cd94c1d;m=663db1fe3;t=66;x=e7a8",
}  # fmt: skip

FAKE = """\
#!{python}
import json, sys, time
with open({calls!r}, "a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
after = [each.partition("=")[2] for each in sys.argv if each.startswith("--after-cursor=")]
entries = [line for line in open({entries!r})]
cursors = [json.loads(line)["__CURSOR"] for line in entries]
print("a note", file=sys.stderr, flush=True)
for line in entries[cursors.index(after[0]) + 1 if after else 0:]:
    print(line, end="", flush=True)
if {stays!r}:
    time.sleep(60)
sys.exit(3)
"""


def entry(number: int, **fields: Any) -> dict[str, Any]:
    return {"__CURSOR": f"s=ab;i={number:x}", "MESSAGE": f"message {number}", **fields}


class Journal:
    """A journalctl of a few entries, and the input that reads it."""

    def __init__(self, directory: Path, *entries: dict[str, Any], stays: bool = True) -> None:
        self.program, self.calls = directory / "journalctl", directory / "calls"
        self.cursor, self.entries = directory / "cursor", directory / "entries"
        self.entries.write_text("".join(f"{json.dumps(each)}\n" for each in entries))
        self.program.write_text(
            FAKE.format(
                python=sys.executable, calls=str(self.calls), entries=str(self.entries), stays=stays
            )
        )
        self.program.chmod(0o755)
        self.log = Events()
        self.messages: list[bytes] = []

    def input(self, header: Header | None = None) -> JournalInput:
        return JournalInput(
            self.cursor, header=header, max_line=100, log=self.log, program=str(self.program)
        )

    async def deliver(self, messages: Sequence[bytes]) -> None:
        self.messages += messages

    def read(self, tools: type[Tools], count: int, deliver: Any = None) -> list[bytes]:
        """Run until so many messages have come in all."""

        async def work() -> None:
            task = asyncio.create_task(self.input().run(deliver or self.deliver))
            try:
                await tools.eventually(lambda: len(self.messages) >= count)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

        asyncio.run(work())
        return self.messages


def test_the_header_says_what_the_entry_says() -> None:
    (message,) = messages_of(parse_entry(json.dumps(ENTRY).encode()), HEADER, 100)
    assert message == b"<35>1 2026-11-27T08:29:16.714634+00:00 vm prog 8125 - - hello"
    bare = Entry("s=1", b"text\n", {"PRIORITY": "9", "_COMM": "a b:[c]"})
    (message,) = messages_of(bare, HEADER, 100)
    assert message == b"<13>1 1970-01-01T00:00:00.000000+00:00 here a_b:[c] - - - text"
    old = Header(form="rfc3164", facility="daemon", severity="info", host="here", app="relpio")
    (message,) = messages_of(bare._replace(fields={**bare.fields, "_PID": "7"}), old, 100)
    assert message.startswith(b"<30>")
    assert message.endswith(b" here a_b__c_[7]: text")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", b"plain"),
        ("zwei\nZeilen \u00fc", "zwei\nZeilen \u00fc".encode()),
        ([98, 105, 110, 0, 255, 10, 97], b"bin\0\xff\na"),
        (["one", "two"], b"two"),
        (["one", [0, 1]], b"\0\1"),
        (None, None),
        ([], None),
    ],
)
def test_texts_in_all_their_forms(value: object, expected: bytes | None) -> None:
    found = parse_entry(json.dumps({"__CURSOR": "s=1", "MESSAGE": value}).encode())
    assert found.message == expected
    assert messages_of(found, None, 100) == ([] if expected is None else [expected])


def test_a_long_text_comes_in_pieces_each_with_its_header() -> None:
    found = messages_of(Entry("s=1", b"x" * 25, {}), HEADER, 10)
    assert [message.rpartition(b" ")[2] for message in found] == [b"x" * 10, b"x" * 10, b"x" * 5]
    assert all(message.startswith(b"<13>1 ") for message in found)


def test_it_goes_on_where_the_last_run_stopped(tmp_path: Path, tools: type[Tools]) -> None:
    journal = Journal(tmp_path, entry(1), {"__CURSOR": "s=ab;i=2", "OTHER": "field"}, entry(3))
    assert journal.read(tools, 2) == [b"message 1", b"message 3"]
    assert journal.cursor.read_text() == "s=ab;i=3\n"
    assert journal.cursor.stat().st_mode & 0o777 == 0o600
    with journal.entries.open("a") as stream:
        stream.write(json.dumps(entry(4)) + "\n")
    assert journal.read(tools, 3)[2:] == [b"message 4"]
    first, second = map(json.loads, journal.calls.read_text().splitlines())
    assert {"--follow", "--no-tail", "--all", "--output=json"} <= set(first)
    assert "--after-cursor=s=ab;i=3" in second
    assert journal.log.of("journal-note") == [{"detail": "a note"}] * 2


def test_what_the_queue_did_not_accept_comes_again(tmp_path: Path, tools: type[Tools]) -> None:
    journal = Journal(tmp_path, entry(1))

    async def refuse(messages: Sequence[bytes]) -> None:
        journal.messages += messages
        await asyncio.sleep(60)

    journal.read(tools, 1, refuse)
    assert not journal.cursor.exists()
    journal.messages.clear()
    assert journal.read(tools, 1) == [b"message 1"]


def test_a_journalctl_that_ends_is_started_again_from_the_cursor(
    tmp_path: Path, tools: type[Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "PAUSE", 0.01)
    ending = Journal(tmp_path, entry(1), entry(2), stays=False)

    async def work() -> None:
        task = asyncio.create_task(ending.input().run(ending.deliver))
        await tools.eventually(lambda: len(ending.log.of("journal-ended")) >= 2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(work())
    assert ending.messages == [b"message 1", b"message 2"]
    assert ending.log.of("journal-ended")[0] == {"status": 3, "retry_seconds": 0.01}


def test_lines_that_are_not_entries_are_reported_and_passed_over(
    tmp_path: Path, tools: type[Tools]
) -> None:
    damaged = Journal(tmp_path, entry(1))
    text = damaged.program.read_text()
    damaged.program.write_text(text.replace('print("a note"', 'print("{]\\n[]"); print("a note"'))
    assert damaged.read(tools, 1) == [b"message 1"]
    assert len(damaged.log.of("journal-damaged")) == 2


def test_what_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = Journal(tmp_path, entry(1))
    used = found.input()
    with pytest.raises(ConfigurationError, match="in use by another process"):
        found.input()
    used.close()
    found.cursor.write_text("--help\n")
    with pytest.raises(ConfigurationError, match="does not hold a cursor of the journal"):
        found.input()
    with pytest.raises(ConfigurationError, match="nowhere, which is not installed"):
        JournalInput(tmp_path / "c", header=None, max_line=9, log=found.log, program="nowhere")
    config = tmp_path / "relpio.toml"
    config.write_text('[send]\ntarget = "localhost:1"\njournal = "c"\nmax-line = 512\n')
    assert main(["check-config", str(config)]) == 2
    assert "--journal needs --max-message-size and --max-line above 512" in capsys.readouterr().err
