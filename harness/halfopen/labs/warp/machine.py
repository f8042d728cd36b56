"""Starts and ends a guest: one process of the host, and those that it makes.

The kernel of the host kills it when the thread that started it ends (`setpriv --pdeathsig`), and
what it made with it, so that a caller that is killed leaves nothing running.
"""

from __future__ import annotations

import contextlib
import os
import pty
import shlex
import shutil
import signal
import subprocess
import sys
import tty
from collections.abc import Mapping
from pathlib import Path

from halfopen.errors import UnsupportedError
from halfopen.labs.warp.bytecode import compile_packages
from halfopen.labs.warp.environment import guest_environment, link_tools
from halfopen.labs.warp.processor import pin, unpin
from halfopen.products.uml.kernel import kernel_path

MEMORY = "768M"
"""What a guest has at most; the host gives it when it is used."""

_BEGINNING_NS = 1_767_225_600_000_000_000  # 2026-01-01: each run begins at the same moment
_END_S = 10.0
_FILES = ".guest"
_LINES = 12

# asyncio does without ssl if there is none, and loading it is a quarter of the agent's start.
_AGENT = "import sys; sys.modules['ssl'] = None; from halfopen.labs.warp import guest; guest.main()"


class Machine:
    """A guest.

    Args:
        directory: of the run; its files are in one below.
        seed: of its random numbers.

    Attributes:
        gate: our end of its sound device, a file descriptor.
        death: a file descriptor that is readable once it is dead.
    """

    def __init__(self, directory: Path, seed: int) -> None:
        self._files = directory / _FILES
        self._files.mkdir(parents=True, exist_ok=True)
        self._console = self._files / "console"
        self._reason = ""
        compile_packages()
        self.gate, self._theirs = pty.openpty()
        tty.setraw(self.gate)
        tty.setraw(self._theirs)
        try:
            with self._console.open("wb") as console:
                self._process = subprocess.Popen(
                    ["setpriv", "--pdeathsig", "KILL", *self._command()],
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, "HALFOPEN_SEED": str(seed)},
                    start_new_session=True,  # Ctrl-C is for us: we end the runs in order
                )
        except OSError as error:
            os.close(self.gate)
            os.close(self._theirs)
            raise UnsupportedError(f"the guest cannot be started: {error}") from error
        self.death = os.pidfd_open(self._process.pid)
        self._processor = pin(self._process.pid)

    def _command(self) -> list[str]:
        init = self._files / "init"
        tools = self._files / "tools"
        link_tools(tools)
        init.write_text(_init_script(guest_environment(os.environ, tools)))
        init.chmod(0o755)
        return [
            str(kernel_path()),
            *("root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw"),
            *(f"mem={MEMORY}", f'init="{init}"'),
            *("time-travel=inf-cpu", f"time-travel-start={_BEGINNING_NS}", "seccomp=auto"),
            *("con=null", "con0=null,fd:1", "quiet", "panic=-1"),
            f"dsp={os.ttyname(self._theirs)}",
            f"uml_dir={self._files}/",
        ]

    def write(self, data: bytes) -> None:
        """Write through the gate; the guest reads."""
        with contextlib.suppress(OSError):  # it is dead; who listens is told so
            while data:
                data = data[os.write(self.gate, data) :]

    def wait(self) -> None:
        """Wait until it has ended, and make it end if it takes too long."""
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.kill("it did not end when it was told to")
        self._bury()

    def kill(self, reason: str = "") -> None:
        """End it at once."""
        self._reason = self._reason or reason
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def end_now(self) -> None:
        """End it at once, for good."""
        self.kill()
        self._bury()

    def console_tail(self) -> str:
        """Why it is dead, as far as its console tells."""
        text = self._console.read_bytes()[-20000:].decode(errors="replace")
        lines = [line.rstrip() for line in text.splitlines() if line.strip()]
        ends = [number for number, line in enumerate(lines) if "Kernel panic" in line]
        last = lines[: ends[0] + 1] if ends else lines  # what follows is a list of addresses
        said = "\n".join(last[-_LINES:]) or "its console says nothing"
        return f"{self._reason}; {said}" if self._reason else said

    def _bury(self) -> None:
        unpin(self._processor)
        for each in (self.gate, self._theirs, self.death):
            os.close(each)
        shutil.rmtree(self._files, ignore_errors=True)


def _init_script(variables: Mapping[str, str]) -> str:
    """Becomes the agent."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    lines = ["#!/bin/sh", *exports, f"cd {shlex.quote(str(Path.cwd()))}"]
    lines.append(f"exec {shlex.quote(sys.executable)} -c {shlex.quote(_AGENT)}")
    return "\n".join(lines) + "\n"
