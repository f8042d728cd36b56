"""`relpio send`, a program of its own."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..doubles import numbered

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import RelpioProcess, Tools

Start = Callable[..., "RelpioProcess"]


def test_a_black_hole_costs_seconds_and_no_message(
    relpio: Start, tmp_path: Path, tools: type[Tools]
) -> None:
    disk = ["--queue-type", "disk", "--queue-spool-directory", str(tmp_path), "--queue-filename",
            "spool"]  # fmt: skip
    with socket.create_server(("127.0.0.1", 0)) as hole:  # the kernel accepts, nobody answers
        target = f"127.0.0.1:{hole.getsockname()[1]}"
        sender = relpio(
            "send", "--target", target, *disk, "--shutdown-timeout", "0.5", stdin=subprocess.PIPE
        )
        sender.feed(b"".join(message + b"\n" for message in numbered(200)), end=False)
        ledger_or_queue = tmp_path / "spool"
        tools.wait_until(ledger_or_queue.is_dir)
        sender.wait_event("connected")
        assert sender.terminate() == 0  # all is on disk
        kept = sender.events("kept")
    output = tmp_path / "out"
    receiver = relpio("receive", "--listen", "127.0.0.1:0", "--output", str(output))
    port = receiver.wait_event("listening")["port"]
    again = relpio("send", "--target", f"127.0.0.1:{port}", *disk, stdin=subprocess.DEVNULL)
    assert again.wait() == 0
    lines = output.read_bytes().splitlines()
    assert kept[0]["count"] == len(lines) > 0
    assert lines == numbered(200)[: len(lines)]


@pytest.mark.parametrize("mode", ["truncate", "accept", "abort"])
def test_a_line_that_is_too_long(relpio: Start, tmp_path: Path, mode: str) -> None:
    output, source = tmp_path / "out", tmp_path / "in"
    source.write_bytes(b"a\n" + b"x" * 200_000 + b"\nb\n" + b"y" * 101)
    receiver = relpio("receive", "--listen", "127.0.0.1:0", "--output", str(output),
                      "--max-message-size", "300k")  # fmt: skip
    port = receiver.wait_event("listening")["port"]
    sender = relpio("send", "--target", f"127.0.0.1:{port}", "--max-message-size", "100",
                    "--oversize", mode, str(source))  # fmt: skip
    assert sender.wait() == (2 if mode == "abort" else 0)
    assert (
        output.read_bytes()
        == {
            "abort": b"a\n",
            "truncate": b"a\n" + b"x" * 100 + b"\nb\n" + b"y" * 100 + b"\n",
            "accept": source.read_bytes() + b"\n",
        }[mode]
    )
    assert len(sender.events("truncated")) == (mode == "truncate")
