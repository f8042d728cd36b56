"""A real journal: journald in a mount namespace of its own, relpio reading it, twice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(shutil.which("journalctl") is None, reason="needs systemd's journal"),
    pytest.mark.skipif(os.geteuid() != 0, reason="journald needs root"),
]

# $1: a directory; $2: the port of a receiver.  The machine's own /run is not touched.
SCRIPT = r"""
set -e
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
mkdir -p /run/systemd/journal /run/systemd/system /run/systemd/journald.conf.d /run/log/journal
# Not the log and the audit of the kernel, which belong to the machine.
conf=/run/systemd/journald.conf.d/test.conf
printf '[Journal]\nStorage=volatile\nAudit=no\nReadKMsg=no\n' >$conf
/usr/lib/systemd/systemd-journald 2>/dev/null &
journald=$!
until [ -S /run/systemd/journal/socket ]; do sleep 0.1; done

send() {
    "$PYTHON" -m relpio send --target "127.0.0.1:$2" --journal "$1/cursor" --header rfc5424 \
        --log-json 2>>"$1/events" &
    relpio=$!
    until grep -q "$3" "$1/out"; do sleep 0.1; done
    kill "$relpio"
    wait "$relpio"
}
printf 'PRIORITY=3\nSYSLOG_FACILITY=4\nSYSLOG_IDENTIFIER=prog\nMESSAGE=the first\n' |
    "$PYTHON" "$1/put"
send "$1" "$2" "the first"
printf 'MESSAGE\n\013\0\0\0\0\0\0\0the\nsecond\0\n' | "$PYTHON" "$1/put"
send "$1" "$2" "the#012second"
kill "$journald"
"""

PUT = """\
import socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
    sock.sendto(sys.stdin.buffer.read(), "/run/systemd/journal/socket")
"""


def test_each_entry_is_sent_once_over_two_runs(tmp_path: Path) -> None:
    (tmp_path / "put").write_text(PUT)
    (tmp_path / "out").touch()
    receiver = subprocess.Popen(
        [sys.executable, "-m", "relpio", "receive", "--listen", "127.0.0.1:0", "--output",
         str(tmp_path / "out")],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert receiver.stderr is not None
        port = receiver.stderr.readline().split()[-1]
        done = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", SCRIPT, "sh",
             str(tmp_path), port],
            env={**os.environ, "PYTHON": sys.executable}, capture_output=True, text=True,
            timeout=90,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        lines = (tmp_path / "out").read_text().splitlines()
        assert len([line for line in lines if "the first" in line]) == 1
        (first,) = [line for line in lines if "the first" in line]
        assert first.startswith("<35>1 ")
        assert " prog " in first
        assert len([line for line in lines if "the#012second#000" in line]) == 1
        assert (tmp_path / "cursor").read_text().startswith("s=")
    finally:
        receiver.terminate()
        assert receiver.wait(30) == 0
        receiver.communicate()
