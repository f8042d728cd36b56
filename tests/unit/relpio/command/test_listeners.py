"""Sockets that a service manager passed to `relpio send`: each becomes the input that it is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relpio.command.input_options import inputs_from
from relpio.inputs.base import Input
from relpio.logs import no_log
from relpio.net.passed import PassedSockets

from ..doubles import Events, run
from .test_input_options import options

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import Tools

FIRST = 120

Pass = Callable[..., None]


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pass]:
    """Passes sockets by their names, from descriptor 120 on."""
    count = 0

    def give(sockets: Mapping[str, socket.socket]) -> None:
        nonlocal count
        for sock in sockets.values():
            os.dup2(sock.fileno(), FIRST + count)
            count += 1
        environment = {
            "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(count),
            "LISTEN_FDNAMES": ":".join(sockets),
        }  # fmt: skip
        monkeypatch.setattr(
            "relpio.command.listeners.PassedSockets",
            partial(PassedSockets, environment, first=FIRST),
        )

    yield give
    for descriptor in range(FIRST, FIRST + count):
        with contextlib.suppress(OSError):
            os.close(descriptor)


def test_each_is_the_input_that_its_socket_is(
    tmp_path: Path, passing: Pass, tools: type[Tools]
) -> None:
    async def work() -> None:
        log = Events()
        with contextlib.ExitStack() as stack:
            made = {
                name: stack.enter_context(socket.socket(family, kind))
                for name, family, kind in (
                    ("tcp", socket.AF_INET, socket.SOCK_STREAM),
                    ("udp", socket.AF_INET, socket.SOCK_DGRAM),
                    ("stream", socket.AF_UNIX, socket.SOCK_STREAM),
                    ("log", socket.AF_UNIX, socket.SOCK_DGRAM),
                )
            }
            for name, sock in made.items():
                local = sock.family == socket.AF_UNIX
                sock.bind(str(tmp_path / name) if local else ("127.0.0.1", 0))
                if sock.type == socket.SOCK_STREAM:
                    sock.listen()
            passing(made)
            inputs = inputs_from(options(listen_systemd=["all", "log"]), log)
        kinds = ["unix", "tcp", "udp", "unix-stream"]  # what has a name of its own is first
        assert [each["input"] for each in log.of("input-listening")] == kinds
        assert [each.flow for each in inputs] == ["light", "light", "none", "light"]
        assert await received(inputs, log, tools) == {b"unix", b"tcp", b"udp", b"unix-stream"}
        # The files are systemd's: it may pass them again to the next process.
        assert (tmp_path / "log").exists() and (tmp_path / "stream").exists()

    run(work)


async def received(inputs: list[Input], log: Events, tools: type[Tools]) -> set[bytes]:
    """Send each input its own name; return what the inputs deliver."""
    got: set[bytes] = set()

    async def deliver(messages: Sequence[bytes]) -> None:
        got.update(messages)

    tasks = [asyncio.create_task(each.run(deliver)) for each in inputs]
    for where in log.of("input-listening"):
        family = socket.AF_UNIX if "path" in where else socket.AF_INET
        kind = socket.SOCK_STREAM if where["input"] in ("tcp", "unix-stream") else socket.SOCK_DGRAM
        with socket.socket(family, kind) as sock:
            sock.connect(where.get("path") or (where["address"], where["port"]))
            sock.sendall(where["input"].encode() + b"\n")
    await tools.eventually(lambda: len(got) == len(inputs))
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return got


def test_what_is_of_no_use_is_said(passing: Pass) -> None:
    async def work() -> None:
        with pytest.raises(OSError, match="cannot listen on systemd:x: systemd passed no socket"):
            inputs_from(options(listen_systemd=["x"]), no_log)
        with socket.socket() as closed:
            passing({"x": closed})
        with pytest.raises(OSError, match="is not a datagram socket or a stream socket that liste"):
            inputs_from(options(listen_systemd=["x"]), no_log)

    run(work)
