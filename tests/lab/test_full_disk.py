"""A run whose `--out` becomes full ends as an error, with a sentence; what was written is whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.scenarios import told, write_short

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

# The disk is full as soon as messages are delivered; results lie elsewhere.
SCRIPT = """
mount -t tmpfs -o size=20m halfopen out
(until grep -qs delivered out/short/leaks/history.jsonl; do sleep 0.05; done
 cat /dev/zero > out/filler 2>/dev/null) &
"$@"
status=$?
wait
rm out/filler
cp -R out kept
exit $status
"""


def test_it_is_an_error_at_once_and_what_is_written_can_be_judged(tmp_path: Path) -> None:
    scenario = write_short(tmp_path)
    (tmp_path / "out").mkdir()
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    done = subprocess.run(
        ["unshare", *user, "--mount", "sh", "-c", SCRIPT, "sh", sys.executable, "-m", "halfopen",
         "run", str(scenario), "--variant", "leaks", "--json", "r.json"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    # The report has no room either, which is said last.
    assert done.returncode == 2, done.stderr
    said = "out/report.html: No space left on device"
    assert done.stderr.rstrip().endswith(f"cannot write {said}"), done.stderr
    (result,) = json.loads((tmp_path / "r.json").read_bytes())["results"]
    assert result["verdict"] == "error"
    assert "No space left on device" in result["why"]
    history = (tmp_path / "kept/short/leaks/history.jsonl").read_bytes()
    assert history.endswith(b"\n")
    again = told("check", "kept", "--no-report", cwd=tmp_path)
    assert (again.returncode, again.stderr) == (1, "")
