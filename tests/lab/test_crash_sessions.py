"""2 000 sessions at a time, all busy: each message arrives once, in its session's order."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from pathlib import Path

import pytest

from relpio import (
    Acknowledged,
    ClientConnection,
    ClientEvent,
    ClientSettings,
    SessionClosed,
    SessionLost,
    SessionOpened,
)
from tests.lab.crashes import Program
from tests.lab.processes import wait_until

pytestmark = pytest.mark.lab

SESSIONS = 2000
MESSAGES = 200 if os.environ.get("HALFOPEN_SOAK") == "1" else 30
WINDOW = 8


async def session(
    name: int, address: tuple[str, int], start: asyncio.Barrier, door: asyncio.Semaphore
) -> None:
    """Send all messages of one session as fast as its window allows, then close.

    Args:
        name: of the session, in its messages.
        address: of the receiver.
        start: of the messages, when every session is open.
        door: how many may knock at a time; a session is in when it has an answer.  What only the
            kernel has accepted it may forget again, when more knock than its backlog holds.
    """
    loop = asyncio.get_running_loop()
    core = ClientConnection(ClientSettings(window=WINDOW, ack_timeout=None, open_timeout=None))
    with socket.socket() as sock:
        sock.setblocking(False)

        async def exchange() -> list[ClientEvent]:
            if data := core.data_to_send():
                await loop.sock_sendall(sock, data)
            core.receive_data(await loop.sock_recv(sock, 65536), loop.time())
            events: list[ClientEvent] = []
            while (event := core.next_event()) is not None:
                assert not isinstance(event, SessionLost), event
                events.append(event)
            return events

        async with door:
            await loop.sock_connect(sock, address)
            core.open(loop.time())
            while not any(isinstance(event, SessionOpened) for event in await exchange()):
                pass
        await start.wait()
        sent = acked = 0
        closed = False
        while not closed:
            if count := min(core.capacity, MESSAGES - sent):
                core.send(
                    [b"<13>s%d m%d" % (name, number) for number in range(sent, sent + count)],
                    loop.time(),
                )
                sent += count
            for event in await exchange():
                if isinstance(event, Acknowledged):
                    acked += event.count
                    if acked == MESSAGES:
                        core.close(loop.time())
                closed = closed or isinstance(event, SessionClosed)


def test_two_thousand_busy_sessions(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = SESSIONS + 200
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.skip(f"needs {needed} file descriptors, the hard limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    try:
        output = tmp_path / "out"
        with Program(
            tmp_path, "receive", "--listen", "127.0.0.1:0", "--output", str(output)
        ) as receiver:
            receiver.start()
            assert wait_until(lambda: bool(receiver.log_path.exists() and receiver.events()))
            (listening,) = receiver.events("listening")
            address = (listening["address"], listening["port"])

            async def all_of_them() -> None:
                start, door = asyncio.Barrier(SESSIONS), asyncio.Semaphore(SESSIONS)
                async with asyncio.timeout(200), asyncio.TaskGroup() as group:
                    for name in range(SESSIONS):
                        group.create_task(session(name, address, start, door))

            asyncio.run(all_of_them())
            assert receiver.terminate() == 0
            (done,) = receiver.events("done")
            assert done["received"] == done["acknowledged"] == SESSIONS * MESSAGES
            assert len(receiver.events("session-open")) == SESSIONS
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    by_session: dict[bytes, list[int]] = {}
    for line in output.read_bytes().splitlines():
        name, number = line.split()
        by_session.setdefault(name, []).append(int(number[1:]))
    assert len(by_session) == SESSIONS
    assert all(numbers == list(range(MESSAGES)) for numbers in by_session.values())
