"""2 000 sessions at a time at rsyslog's imrelp: each message arrives, in its session's order."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from tests.lab.crashes import free_port
from tests.lab.processes import wait_until
from tests.lab.test_crash_sessions import MESSAGES, SESSIONS, session

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("crowds")]

# imrelp's, of connections that it has not accepted yet (`ss -ltn`).
BACKLOG = 55

CONFIGURATION = """\
global(workDirectory="{directory}" maxMessageSize="64k")
main_queue(queue.size="200000" queue.workerThreads="1")
module(load="imrelp")
input(type="imrelp" address="127.0.0.1" port="{port}")
template(name="raw" type="string" string="%rawmsg%\\n")
action(type="omfile" file="{output}" template="raw")
"""


def test_two_thousand_busy_sessions_of_ours_at_imrelp(tmp_path: Path) -> None:
    program = shutil.which("rsyslogd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        pytest.skip("needs rsyslog and rsyslog-relp: apt-get install rsyslog rsyslog-relp")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = SESSIONS + 200
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.skip(f"needs {needed} file descriptors, the hard limit is {hard}")
    port, output = free_port(), tmp_path / "received"
    path = tmp_path / "rsyslog.conf"
    path.write_text(CONFIGURATION.format(directory=tmp_path, port=port, output=output))
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    try:
        with (tmp_path / "log").open("wb") as log:
            receiver = subprocess.Popen(
                [program, "-n", "-f", str(path), "-i", str(tmp_path / "pid")],
                stdout=log,
                stderr=log,
            )
        try:
            asyncio.run(_crowd(("127.0.0.1", port)))
            whole = SESSIONS * MESSAGES
            assert wait_until(
                lambda: output.exists() and output.read_bytes().count(b"\n") >= whole, 60
            )
        finally:
            receiver.kill()
            receiver.wait()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    numbers: dict[bytes, list[int]] = defaultdict(list)
    for line in output.read_bytes().splitlines():
        name, number = line.removeprefix(b"<13>").split()
        numbers[name].append(int(number[1:]))
    assert len(numbers) == SESSIONS
    assert all(found == list(range(MESSAGES)) for found in numbers.values())


async def _crowd(address: tuple[str, int]) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 30
    while True:  # until rsyslogd listens
        try:
            _, writer = await asyncio.open_connection(*address)
        except ConnectionRefusedError:
            assert loop.time() < deadline, "rsyslogd does not listen"
            await asyncio.sleep(0.05)
            continue
        writer.close()
        await writer.wait_closed()
        break
    start, door = asyncio.Barrier(SESSIONS), asyncio.Semaphore(BACKLOG // 2)
    async with asyncio.TaskGroup() as crowd:
        for name in range(SESSIONS):
            crowd.create_task(session(name, address, start, door))
