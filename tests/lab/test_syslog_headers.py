"""rsyslog files the lines of `relpio send` under the right host and tag."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.lab.crashes import DEADLINE, Program, free_port
from tests.lab.processes import wait_until

pytestmark = pytest.mark.lab

CONFIGURATION = """\
global(workDirectory="{directory}")
module(load="imrelp")
input(type="imrelp" address="127.0.0.1" port="{port}")
template(name="parts" type="string" string=\
"%hostname%|%programname%|%syslogfacility-text%.%syslogseverity-text%|%msg%\\n")
action(type="omfile" file="{output}" template="parts")
"""


@pytest.mark.parametrize("form", ["rfc3164", "rfc5424"])
def test_rsyslog_files_lines_under_their_host_and_tag(tmp_path: Path, form: str) -> None:
    path = shutil.which("rsyslogd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if path is None:
        pytest.skip("needs rsyslog and rsyslog-relp: apt-get install rsyslog rsyslog-relp")
    output, port = tmp_path / "out", free_port()
    config = tmp_path / "rsyslog.conf"
    config.write_text(CONFIGURATION.format(directory=tmp_path, port=port, output=output))
    lines = tmp_path / "lines"
    lines.write_text(
        "it works\n<34>1 2026-11-27T03:25:09Z other sshd 7 - - has its own\nno: tag [of] its own\n"
    )
    with subprocess.Popen(
        [path, "-n", "-f", str(config), "-i", str(tmp_path / "pid")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as rsyslog:  # fmt: skip
        try:
            with Program(
                tmp_path, "send", "--target", f"127.0.0.1:{port}", "--header", form,
                "--hostname", "web1", "--app-name", "nginx",
                "--facility", "local3", "--severity", "err", str(lines),
            ) as sender:  # fmt: skip
                assert sender.start().wait(DEADLINE) == 0, sender.events()
            assert wait_until(
                lambda: output.exists() and output.read_text().count("\n") == 3, DEADLINE
            )
        finally:
            rsyslog.send_signal(signal.SIGTERM)
            rsyslog.wait(DEADLINE)
    space = " " if form == "rfc3164" else ""  # rsyslog keeps the one after the tag's colon
    assert output.read_text().splitlines() == [
        f"web1|nginx|local3.err|{space}it works",
        "other|sshd|auth.crit|has its own",
        f"web1|nginx|local3.err|{space}no: tag [of] its own",
    ]
