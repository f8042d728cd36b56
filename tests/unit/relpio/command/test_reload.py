"""SIGHUP reads the configuration file again: what changes, what cannot, what is wrong."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from relpio.command.commands import all_commands
from relpio.command.reload import Reload, Reread

from ..doubles import OPEN

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import RelpioProcess, Tools

    Start = Callable[..., RelpioProcess]

RECEIVE = '[receive]\nlisten = "127.0.0.1:{port}"\noutput = "{output}"\n'
SEND = '[send]\ntarget = "127.0.0.1:{port}"\nbackoff = "0.01/0.05"\n'


def hang_up(process: RelpioProcess, event: str = "reloaded") -> dict[str, Any]:
    before = len(process.events(event))
    process.process.send_signal(signal.SIGHUP)
    return process.wait_event(event, before + 1)


def test_limits_of_the_receiver_change_and_its_address_needs_a_new_start(
    relpio: Start, tmp_path: Path
) -> None:
    config, output = tmp_path / "relpio.toml", tmp_path / "out"
    first = RECEIVE.format(port=0, output=output)
    config.write_text(first)
    receiver = relpio("receive", "--config", str(config))
    port = receiver.wait_event("listening")["port"]
    config.write_text(first.replace(":0", ":1") + 'max-message-size = 3\noversize = "truncate"\n')
    reloaded = hang_up(receiver)
    assert set(reloaded["changed"].split(", ")) == {"max-message-size", "oversize"}
    assert reloaded["needs_restart"] == "listen"
    assert len(receiver.events("listening")) == 1
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(OPEN + b"2 syslog 5 abcde\n")
        assert receiver.wait_event("oversized")["kept"] == 3
    again = hang_up(receiver)
    assert again["changed"] == "nothing"
    assert again["needs_restart"] == "listen"
    assert receiver.terminate() == 0
    assert output.read_bytes() == b"abc\n"


def test_a_sender_leaves_a_server_that_is_no_target_any_more(relpio: Start, tmp_path: Path) -> None:
    outputs = [tmp_path / "first", tmp_path / "second"]
    receivers = [
        relpio("receive", "--listen", "127.0.0.1:0", "--output", str(output)) for output in outputs
    ]
    ports = [receiver.wait_event("listening")["port"] for receiver in receivers]
    config = tmp_path / "relpio.toml"
    config.write_text(SEND.format(port=ports[0]))
    sender = relpio("send", "--config", str(config), stdin=subprocess.PIPE)
    sender.feed(b"a\n", end=False)
    receivers[0].wait_event("session-open")
    config.write_text(SEND.format(port=ports[1]))
    assert hang_up(sender)["changed"] == "target"
    receivers[1].wait_event("session-open")
    sender.feed(b"b\n")
    assert sender.wait() == 0
    assert [output.read_bytes() for output in outputs] == [b"a\n", b"b\n"]
    assert sender.events("session-lost") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("window = many", "relpio.toml:4: "),
        ("windows = 5", "did you mean window?"),
        ("nack-retries = 1", "dead letters"),
    ],
)
def test_a_wrong_file_changes_nothing(
    relpio: Start, tmp_path: Path, tools: type[Tools], text: str, words: str
) -> None:
    config = tmp_path / "relpio.toml"
    good = SEND.format(port=tools.free_port())
    config.write_text(good)
    sender = relpio("send", "--config", str(config), stdin=subprocess.PIPE)
    sender.wait_event("session-lost")
    config.write_text(good + text + "\n")
    assert words in hang_up(sender, "reload-failed")["detail"]
    config.write_text("")
    detail = hang_up(sender, "reload-failed")["detail"]
    assert "missing" in detail and "--target" in detail
    sender.wait_event("session-lost", len(sender.events("session-lost")) + 1)
    assert sender.terminate() == 0


AT_IMPORT = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "relpio.command.main":
            os.kill(os.getpid(), signal.SIGHUP)
sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize("command", ["send", "receive"])
def test_a_hangup_during_the_start_waits_for_its_end(
    relpio: Start, tmp_path: Path, command: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(AT_IMPORT)
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    arguments = {
        "send": ("--target", "127.0.0.1:9"),
        "receive": ("--listen", "127.0.0.1:0", "--output", str(tmp_path / "out")),
    }
    process = relpio(command, *arguments[command], env=environment, stdin=subprocess.PIPE)
    assert process.wait_event("reloaded")["changed"] == "nothing"
    assert process.terminate() == 0


@pytest.mark.parametrize("command", all_commands(), ids=lambda command: command.name)
def test_options_that_cannot_change_keep_their_values(command: Any) -> None:
    options = command.options
    before = {option.field: object() for option in options}
    after = {option.field: object() for option in options}
    taken: list[argparse.Namespace] = []
    reload = Reload(
        argparse.Namespace(**before),
        Reread(options, lambda: argparse.Namespace(**after)),
        taken.append,
    )
    fields = reload()
    live = {option.name for option in options if option.live}
    assert set(str(fields["changed"]).split(", ")) == live
    assert set(str(fields["needs_restart"]).split(", ")) == {o.name for o in options} - live
    assert reload.options is taken[0]
    for option in options:
        given = after if option.live else before
        assert getattr(reload.options, option.field) is given[option.field]


def test_outputs_change_and_what_is_wrong_with_them_changes_nothing(
    relpio: Start, tmp_path: Path
) -> None:
    config = tmp_path / "relpio.toml"
    first = RECEIVE.format(port=0, output=tmp_path / "first")
    config.write_text(first)
    receiver = relpio("receive", "--config", str(config))
    port = receiver.wait_event("listening")["port"]
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(OPEN + b"2 syslog 7 <13>one\n")
        client.recv(4096)
        config.write_text(RECEIVE.format(port=0, output=tmp_path / "no/such/directory"))
        assert "No such file" in hang_up(receiver, "reload-failed")["detail"]
        config.write_text(
            f'[receive]\nlisten = "127.0.0.1:0"\nformat = "json"\noutput = ["{tmp_path}/all", '
            f'"[severity<=err] {tmp_path}/{{host}}/bad"]\n'
            "[receive.files]\ncreate-directories = true\n"
        )
        assert set(hang_up(receiver)["changed"].split(", ")) == {
            "output", "format", "create-directories",
        }  # fmt: skip
        client.sendall(b"3 syslog 7 <13>two\n4 syslog 9 <11>three\n")
        read = b""
        while b"4 rsp" not in read:
            read += client.recv(4096)
    assert receiver.terminate() == 0
    assert (tmp_path / "first").read_bytes() == b"<13>one\n"
    assert (tmp_path / "all").read_bytes().count(b"\n") == 2
    assert b'"text": "three"' in (tmp_path / "127.0.0.1/bad").read_bytes()
