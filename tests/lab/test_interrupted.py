"""Results of runs that SIGINT or SIGTERM ends: what was judged, the rest as unknown."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.lab.processes import wait_until, with_marker
from tests.lab.scenarios import SHORT, write_short

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

MARKER = "HALFOPEN_INTERRUPTED"
TEXT = SHORT.replace("wait: 2 h", "wait: 80 min") + "  waits:\n    about: The same, again.\n"


def _start(directory: Path, marker: str, *options: str) -> subprocess.Popen[str]:
    scenario = write_short(directory, TEXT)
    return subprocess.Popen(
        # Under nohup and the like an interrupt is ignored, and children inherit that.
        ["env", "--default-signal=INT", sys.executable, "-m", "halfopen", "run", str(scenario),
         "--jobs", "1", "--json", "r.json", "--junit", "r.xml", *options],
        cwd=directory,
        env={**os.environ, MARKER: marker},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def _delivers(path: Path) -> bool:
    return path.exists() and b'"delivered"' in path.read_bytes()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_was_judged_is_reported_and_the_rest_is_unknown(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    process = _start(tmp_path, f"{number.name}-{os.getpid()}")
    cut = tmp_path / "out/short/fails"
    assert wait_until(lambda: _delivers(cut / "history.jsonl"))
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == status, err
    assert "Traceback" not in err
    assert f"interrupted by {number.name}: the runs end now" in err
    results = json.loads((tmp_path / "r.json").read_bytes())["results"]
    assert [(r["variant"], r["verdict"], r["why"], r["directory"]) for r in results[1:]] == [
        ("fails", "unknown", "the run did not finish (interrupted)", "out/short/fails"),
        ("waits", "unknown", f"not run: interrupted by {number.name}", ""),
    ]
    # The first run was over: its verdict is the one that it would have had.
    assert (results[0]["variant"], results[0]["verdict"]) == ("leaks", "reproduced")
    assert "history: out/short/fails" in out
    cases = list(ET.parse(tmp_path / "r.xml").iter("testcase"))
    assert [len(list(case.iter("error"))) for case in cases] == [0, 1, 1]
    assert (tmp_path / "out/report.html").read_bytes().rstrip().endswith(b"</html>")
    assert not (tmp_path / "out/short/waits").exists()
    assert wait_until(lambda: not with_marker(f"{number.name}-{os.getpid()}"))


def test_a_second_signal_ends_it_without_results(tmp_path: Path) -> None:
    marker = f"twice-{os.getpid()}"
    process = _start(tmp_path, marker, "--control")
    assert wait_until(lambda: _delivers(tmp_path / "out/short/leaks/history.jsonl"))
    # Both at once: the second is there before the runs have ended.
    process.send_signal(signal.SIGSTOP)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGCONT)
    process.communicate(timeout=60)
    assert process.returncode in (-signal.SIGTERM, -signal.SIGINT)
    assert not (tmp_path / "r.json").exists()
    assert wait_until(lambda: not with_marker(marker))
