"""The service manager is told what happens, and passes sockets."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from configparser import RawConfigParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relpio.command.main import main
from relpio.command.manager import ServiceManager

from ..doubles import Events

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import RelpioProcess

    Start = Callable[..., RelpioProcess]

UNITS = Path(__file__).parents[4] / "impl/systemd"


class Manager:
    """What a service manager hears."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.settimeout(20)
        self.sock.bind(str(path))

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, "NOTIFY_SOCKET": str(self.path), **more}

    def next(self, *, alive: bool = False) -> str:
        """The next state; signs of life are left out unless asked for."""
        while True:
            state = self.sock.recv(4096).decode()
            if alive or state != "WATCHDOG=1":
                return state


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(tmp_path / "notify")
    yield manager
    manager.sock.close()


@pytest.mark.parametrize("command", ["receive", "send"])
def test_ready_alive_reloading_and_stopping(
    relpio: Start, tmp_path: Path, manager: Manager, command: str
) -> None:
    where = {
        "receive": ("--listen", f"unix:{tmp_path / 'relp'}", "--output", str(tmp_path / "out")),
        "send": ("--target", "127.0.0.1:9", "--listen-unix", str(tmp_path / "in")),
    }[command]
    env = manager.environment(WATCHDOG_USEC="100000", WATCHDOG_PID="")
    process = relpio(command, *where, env=env)
    assert manager.next() == "READY=1"
    # Whoever is told so can use it.
    assert process.events("listening" if command == "receive" else "input-listening")
    assert [manager.next(alive=True) for _ in range(3)] == ["WATCHDOG=1"] * 3
    process.process.send_signal(signal.SIGHUP)
    reloading, monotonic = manager.next().splitlines()
    assert reloading == "RELOADING=1"
    assert monotonic.removeprefix("MONOTONIC_USEC=").isdecimal()
    assert manager.next() == "READY=1"
    process.process.send_signal(signal.SIGTERM)
    assert manager.next() == "STOPPING=1"
    assert process.wait() == 0


def test_a_reload_during_the_start_makes_nothing_ready(manager: Manager) -> None:
    service = ServiceManager(manager.environment())
    service.reloading()
    service.reloaded()
    service.ready()
    service.reloading()
    service.reloaded()
    assert [manager.next().split("\n")[0] for _ in range(3)] == [
        "READY=1", "RELOADING=1", "READY=1",
    ]  # fmt: skip
    manager.sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.sock.recv(1)


def test_the_watchdog_of_another_process_is_not_fed(manager: Manager) -> None:
    async def alive() -> list[str]:
        environment = manager.environment(WATCHDOG_USEC="2000", WATCHDOG_PID=str(os.getppid()))
        ServiceManager(environment).ready()
        await asyncio.sleep(0.05)
        manager.sock.setblocking(False)
        found = []
        try:
            while True:
                found.append(manager.sock.recv(100).decode())
        except BlockingIOError:
            return found

    assert asyncio.run(alive()) == ["READY=1"]


def test_a_name_in_the_abstract_namespace_and_a_manager_that_is_gone(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0{tmp_path}")
        ServiceManager({"NOTIFY_SOCKET": f"@{tmp_path}"}).stopping()
        assert sock.recv(100) == b"STOPPING=1"
    log = Events()
    gone = ServiceManager({"NOTIFY_SOCKET": f"@{tmp_path}"}, log)
    gone.stopping()
    gone.stopping()
    assert log.of("notify-failed") == [{"detail": "Connection refused"}]  # once
    ServiceManager({}, log).stopping()
    assert len(log.records) == 1


def activated(sock: socket.socket, *arguments: str, name: str = "") -> subprocess.Popen[bytes]:
    """Start `relpio` as systemd does: the socket is descriptor 3, and meant for this process."""
    number = sock.fileno()
    script = (
        "import os, sys\n"
        f"if {number} != 3: os.dup2({number}, 3)\n"
        "os.set_inheritable(3, True)\n"
        f"os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES={name!r})\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'relpio', *sys.argv[1:]])\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], pass_fds=[number], stderr=subprocess.PIPE
    )


@pytest.mark.parametrize("listen", ["systemd", "systemd:relp"])
def test_a_passed_socket_is_listened_on_and_connections_from_before_are_served(
    relpio: Start, tmp_path: Path, listen: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        sender = relpio("send", "--target", f"127.0.0.1:{port}", stdin=subprocess.PIPE)
        sender.feed(b"early\n")
        sender.wait_event("connected")
        output = tmp_path / "out"
        receiver = activated(
            sock, "receive", "--listen", listen, "--output", str(output), name="relp"
        )
    try:
        assert sender.wait() == 0
        assert output.read_bytes() == b"early\n"
    finally:
        receiver.terminate()
        _, said = receiver.communicate(timeout=20)
    assert receiver.returncode == 0, said


def test_a_socket_that_is_not_passed_is_an_error_with_its_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--listen", "systemd:relp", "--output", str(tmp_path / "out")]
    assert main(["receive", *arguments]) == 2
    assert (
        "cannot listen on systemd:relp: systemd passed no socket with FileDescriptorName=relp; "
        "start the socket unit of this service, or listen on HOST:PORT"
    ) in capsys.readouterr().err
    assert main(["receive", *arguments, "--listen-plain", "[::1]:0"]) == 2
    assert "--listen-plain: no effect without --tls; use --listen" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["receive", "send"])
def test_the_units_start_what_there_is(command: str, tmp_path: Path) -> None:
    unit = RawConfigParser(strict=True)
    unit.read(UNITS / f"relpio-{command}.service")
    service = unit["Service"]
    program, name, *options = shlex.split(service["ExecStart"])
    assert (Path(program).name, name, options) == (
        "relpio", command, ["--config", "/etc/relpio.toml"]
    )  # fmt: skip
    assert service["Type"] == "notify"
    assert int(service["TimeoutStopSec"]) > 5  # the default of --shutdown-timeout
    users = (UNITS / "relpio.sysusers").read_text().splitlines()
    assert users[-1].split()[:2] == ["u", service["User"]]
    if shutil.which("systemd-analyze") is None:
        return
    checked = subprocess.run(
        ["systemd-analyze", "verify", *map(str, UNITS.glob(f"relpio-{command}.s*"))],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    words = [line for line in checked.stderr.splitlines() if "is not executable" not in line]
    assert not [line for line in words if "Unknown" in line or "Failed to parse" in line]
