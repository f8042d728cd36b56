"""The systemd units that come with relpio: systemd itself finds nothing wrong with them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path("impl/systemd").absolute()


def verified(directory: Path) -> str:
    """What systemd-analyze says of the units in `directory`, where the program is there."""
    for unit in directory.iterdir():
        text = unit.read_text().replace("/opt/relpio/bin/relpio", "/bin/true")
        unit.write_text(text)
    units = [path for path in directory.iterdir() if path.suffix in (".service", ".socket")]
    assert len(units) == 3
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="needs systemd-analyze, of the package systemd"
)
def test_the_units_are_what_systemd_expects(tmp_path: Path) -> None:
    shutil.copytree(UNITS, tmp_path / "good")
    assert verified(tmp_path / "good") == ""
    bad = shutil.copytree(UNITS, tmp_path / "bad") / "relpio-send.service"
    bad.write_text(bad.read_text().replace("WatchdogSec=", "WatchdogSecs="))
    assert "Unknown key" in verified(tmp_path / "bad")
