"""What rsyslog says of a directive that it does not know, as RHEL 6's did of imptcp's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

INCIDENTS = Path(__file__).parents[2] / "scenarios" / "incidents"


def _checked(config: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """What rsyslogd says of a configuration of the library without running it (`-N1`)."""
    binary = shutil.which("rsyslogd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if binary is None:
        pytest.skip("needs rsyslogd: apt-get install rsyslog")
    text = (INCIDENTS / config).read_text(encoding="utf-8")
    for place in ("spool", "notes"):
        text = text.replace(f"@{place}@", str(directory))
    text = text.replace("@output@", str(directory / "messages")).replace("@port@", "2514")
    file = directory / config
    file.write_text(text, encoding="utf-8")
    return subprocess.run(
        [binary, "-N1", "-f", str(file)], capture_output=True, text=True, timeout=60
    )


def test_a_directive_that_nobody_knows_is_named_in_an_error(tmp_path: Path) -> None:
    """That rsyslog starts all the same, without it, is seen in fortigate-four-connections."""
    done = _checked("unknown-directive.conf", tmp_path)
    assert done.returncode == 1
    for directive in ("InputPTCPServerKeepAlive", "InputPTCPServerKeepAlive_time"):
        assert f"unknown config file command '{directive}'" in done.stderr


def test_with_its_module_loaded_it_is_known(tmp_path: Path) -> None:
    done = _checked("kernel-timers.conf", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "unknown" not in done.stderr
