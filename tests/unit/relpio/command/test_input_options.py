"""From options to inputs: all or nothing, and what the names mean."""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from relpio.command import send_options
from relpio.command.commands import all_commands
from relpio.command.config import ConfigFile
from relpio.command.input_options import OPTIONS, inputs_from, mode
from relpio.command.parser import check_file
from relpio.errors import ConfigurationError
from relpio.inputs.metrics import register_inputs
from relpio.inputs.streams import StreamInput
from relpio.logs import no_log
from relpio.metrics.registry import Registry


def options(**given: Any) -> argparse.Namespace:
    every = (*send_options.OPTIONS, *OPTIONS)
    values = {option.field: option.default_value() for option in every}
    return argparse.Namespace(**{**values, "files": [], "max_message_size": 1000, **given})


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_nothing_given_is_standard_input() -> None:
    async def body() -> None:
        (source,) = inputs_from(options(), no_log)
        assert isinstance(source, StreamInput)
        assert list(source.streams) == [("standard input", 0)]

    asyncio.run(body())


def test_every_kind_at_once_with_its_address_and_figures(tmp_path: Path) -> None:
    seen: list[dict[str, object]] = []

    def log(event: str, /, **fields: object) -> None:
        seen.append({"event": event, **fields})

    async def body() -> None:
        (tmp_path / "file").write_bytes(b"one\ntwo\n")
        inputs = inputs_from(
            options(
                files=[str(tmp_path / "file")],
                follow=[tmp_path / "app.log"],
                state_file=tmp_path / "state",
                listen_tcp=[("127.0.0.1", 0), ("::1", 0)],
                listen_udp=[("127.0.0.1", 0)],
                listen_unix=[tmp_path / "log"],
                listen_unix_stream=[tmp_path / "stream"],
                unix_mode=0o600,
            ),
            log,
        )
        names = [each.name.split()[0] for each in inputs]
        assert names == ["stdin", "tcp", "tcp", "udp", "unix", "unix-stream", "follow"]
        assert [each.flow for each in inputs] == [
            "full", "light", "light", "none", "light", "light", "full",
        ]  # fmt: skip
        assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600
        got: list[bytes] = []

        async def deliver(messages: Sequence[bytes]) -> None:
            got.extend(messages)

        await inputs[0].run(deliver)
        assert got == [b"one", b"two"]
        registry = Registry()
        register_inputs(registry, inputs)
        values = {
            (family.name, dict(sample.labels)["input"].split()[0]): sample.value
            for family in registry.collect()
            for sample in family.samples
        }
        assert values[("relpio_input_messages_total", "stdin")] == 2
        assert values[("relpio_input_dropped_total", "udp")] == 0
        assert values[("relpio_input_connections", "unix-stream")] == 0
        for each in (*inputs, *inputs):  # once more is harmless
            each.close()
        assert not (tmp_path / "log").exists()

    asyncio.run(body())
    addresses = [each for each in seen if each["event"] == "input-listening"]
    assert [each["input"] for each in addresses] == ["tcp", "tcp", "udp", "unix", "unix-stream"]
    assert all(each.get("port") or each.get("path") for each in addresses)


def test_when_one_fails_the_others_are_let_go(tmp_path: Path) -> None:
    async def body() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            before = open_descriptors()
            wrong: list[dict[str, Any]] = [
                {"listen_udp": [taken.getsockname()]},
                {"listen_unix_stream": [tmp_path / "none" / "x"]},
                {"files": [str(tmp_path / "no file")]},
                {"follow": [tmp_path / "a"], "state_file": tmp_path / "none" / "state"},
            ]
            for given in wrong:
                with pytest.raises(OSError):
                    inputs_from(
                        options(
                            listen_tcp=[("127.0.0.1", 0)], listen_unix=[tmp_path / "log"], **given
                        ),
                        no_log,
                    )
                assert open_descriptors() == before
                assert not (tmp_path / "log").exists()

    asyncio.run(body())


def test_a_file_that_was_not_read_to_its_end_is_closed(tmp_path: Path) -> None:
    async def body() -> None:
        (tmp_path / "file").write_bytes(b"one\n")
        before = open_descriptors()
        (source,) = inputs_from(options(files=[str(tmp_path / "file")] * 2), no_log)

        async def deliver(messages: Sequence[bytes]) -> None:
            raise OSError("no room")

        with pytest.raises(OSError, match="no room"):
            await source.run(deliver)
        assert open_descriptors() == before
        os.fstat(0)

    asyncio.run(body())


def test_following_and_its_state_belong_together(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--follow needs --state-file"):
        inputs_from(options(follow=[tmp_path / "a"]), no_log)
    with pytest.raises(ConfigurationError, match="no effect without --follow"):
        inputs_from(options(state_file=tmp_path / "a"), no_log)


def test_permissions() -> None:
    assert (mode("0660"), mode("666")) == (0o660, 0o666)
    for text in ("", "66", "0o66", "888", "1777", "rw-", "-066"):
        with pytest.raises(ConfigurationError, match="octal digits"):
            mode(text)


def test_the_same_options_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "relpio.toml"
    path.write_text(
        f"""
[send]
target = "127.0.0.1:2514"

[send.inputs]
follow = ["{tmp_path}/a.log", "{tmp_path}/b.log"]
state-file = "{tmp_path}/state"
listen-udp = "127.0.0.1:0"
unix-mode = "0600"
max-line = "8k"
"""
    )
    every = all_commands()[0].options
    given = ConfigFile(path, ["send"]).values("send", every)
    assert given["follow"] == [tmp_path / "a.log", tmp_path / "b.log"]
    assert given["listen_udp"] == [("127.0.0.1", 0)]
    assert (given["unix_mode"], given["max_line"]) == (0o600, 8192)
    assert check_file(path, all_commands()) == ["send"]
    path.write_text(path.read_text().replace("0600", "0900"))
    with pytest.raises(ConfigurationError, match=r"relpio.toml:9: .*unix-mode: .*octal digits"):
        check_file(path, all_commands())
    path.write_text('[send]\ntarget = "127.0.0.1:2514"\nfollow = "a.log"\n')
    with pytest.raises(ConfigurationError, match="--follow needs --state-file"):
        check_file(path, all_commands())
