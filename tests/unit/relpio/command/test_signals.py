"""SIGHUP reads files again and ends nothing; after the work no signal changes the status."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from relpio.command.signals import StopSignal
from relpio.errors import ConfigurationError

from ..doubles import Events

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import RelpioProcess

    Start = Callable[..., RelpioProcess]


def pair(directory: Path, name: str) -> None:
    """Put a new key and certificate in place."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-subj", f"/CN={name}", "-keyout", directory / "key", "-out",
         directory / "cert"],
        check=True, capture_output=True,
    )  # fmt: skip


def test_hangup_opens_the_ledger_again_and_loses_nothing(relpio: Start, tmp_path: Path) -> None:
    ledger, moved = tmp_path / "ledger", tmp_path / "ledger.1"
    sender = relpio(
        "send", "--target", "127.0.0.1:9", "--ledger", str(ledger), "--log-json",
        stdin=subprocess.PIPE,
    )  # fmt: skip
    assert sender.process.stdin is not None
    sender.process.stdin.write(b"a\nb\n")
    sender.process.stdin.flush()
    sender.wait_event("session-lost")
    ledger.rename(moved)
    sender.process.send_signal(signal.SIGHUP)
    sender.wait_event("reloaded")
    sender.process.stdin.write(b"c\n")
    sender.process.stdin.flush()
    sender.wait_event("session-lost", len(sender.events("session-lost")) + 1)
    assert sender.process.poll() is None
    sender.terminate()
    assert moved.read_text().splitlines()[-1].endswith("2")
    assert ledger.read_text() == "accepted 3\n"


def test_hangup_takes_new_certificates_and_keeps_the_old_ones_if_they_are_bad(
    relpio: Start, tmp_path: Path
) -> None:
    pair(tmp_path, "first")
    (tmp_path / "ca").write_bytes((tmp_path / "cert").read_bytes())
    receiver = relpio(
        "receive", "--listen", "127.0.0.1:0", "--output", str(tmp_path / "out"), "--log-json",
        "--tls", "--tls-auth", "certvalid", "--tls-ca", str(tmp_path / "ca"),
        "--tls-cert", str(tmp_path / "cert"), "--tls-key", str(tmp_path / "key"),
    )  # fmt: skip
    port = receiver.wait_event("listening")["port"]

    def subject() -> str:
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}"],
            input=b"", capture_output=True, timeout=20, check=False,
        )  # fmt: skip
        return next(line for line in done.stdout.decode().splitlines() if "subject" in line)

    assert subject().endswith("first")
    pair(tmp_path, "second")
    receiver.process.send_signal(signal.SIGHUP)
    receiver.wait_event("reloaded")
    assert subject().endswith("second")
    (tmp_path / "cert").write_text("rubbish")
    receiver.process.send_signal(signal.SIGHUP)
    assert "TLS certificate" in receiver.wait_event("reload-failed")["detail"]
    assert subject().endswith("second")


def test_a_signal_after_the_end_of_the_work_changes_nothing() -> None:
    before = {number: signal.getsignal(number) for number in (1, 2, 15)}

    async def main() -> None:
        log = Events()
        stop = StopSignal(log)

        def bad() -> dict[str, object]:
            raise ConfigurationError("bad file")

        stop.on_hangup(bad, log)
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.01)
        assert log.of("reload-failed") == [{"detail": "bad file"}]
        stop.ignore()

    try:
        asyncio.run(main())
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            os.kill(os.getpid(), number)  # the loop is gone, and with it the handlers
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) & {1, 2, 15} == set()
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
