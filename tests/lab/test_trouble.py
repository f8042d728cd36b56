"""Results of runs that are killed, whose disk is full, or whose locale knows no UTF-8.

Whatever happens: a file of results is whole and readable, or it is not there; nothing is left
running; what a person is told has no traceback.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest

from tests.lab.crashes import SOAK
from tests.lab.processes import network_namespaces, wait_until, with_marker
from tests.lab.scenarios import SHORT, told

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns"), pytest.mark.timeout(1200)]

MARKER = "HALFOPEN_TROUBLE"
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGKILL, signal.SIGINT)
STATUSES = {
    signal.SIGKILL: {-signal.SIGKILL},
    signal.SIGTERM: {143, -signal.SIGTERM},  # before and after the runs it ends us at once
    signal.SIGINT: {130, -signal.SIGINT},  # while Python ends, after all is reported
}
KILLED = 60 if SOAK else 1  # that SIGKILL has really ended: some are over before
AT_ONCE = 4
DISKS = 10 if SOAK else 1

# Two seconds of it, and signs that no old character set has.
TEXT = SHORT.replace("wait: 2 h", "wait: 40 min").replace(
    "scenario: short silence", "scenario: 'Stille, kurz ✓ 静か é'"
)

LATIN_1 = "de_DE.ISO-8859-1"
LOCALES: dict[str, dict[str, str]] = {
    "C": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "POSIX": {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "C.UTF-8": {"LC_ALL": "C.UTF-8"},
    LATIN_1: {"LC_ALL": LATIN_1, "PYTHONUTF8": "0"},
    "latin-1": {"LC_ALL": "C", "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"},
    "EUC-JP": {"LC_ALL": "C", "PYTHONIOENCODING": "euc_jp", "PYTHONUTF8": "0"},
    "not installed": {"LC_ALL": "xx_XX.KOI8-R", "LANG": "xx_XX", "PYTHONUTF8": "0"},
}

# The disk is full after some tenths of a second; at the end there is room again, to look.
FULL = """
mount -t tmpfs -o size=24m halfopen disk
(sleep "$MOMENT"; cat /dev/zero > disk/filler 2>/dev/null) &
"$@"
status=$?
wait
rm -f disk/filler
cp -R disk kept
exit $status
"""


def _command(directory: Path, where: str = "") -> list[str]:
    scenario = directory / "short.scenario.yaml"
    scenario.write_text(TEXT, encoding="utf-8")
    results = [f"--out={where}out", f"--json={where}r.json", f"--junit={where}r.xml"]
    return [sys.executable, "-m", "halfopen", "run", str(scenario), *results]


def _readable(directory: Path) -> set[str]:
    """The results that are there; each is read, and is complete."""
    found = set()
    for path in directory.rglob("*"):
        if path.name == "r.json":
            results = json.loads(path.read_bytes().decode("utf-8"))["results"]
            assert [r["variant"] for r in results] == ["leaks", "fails"]
            assert {r["scenario"] for r in results} == {"Stille, kurz ✓ 静か é"}
        elif path.name == "r.xml":
            assert len(list(ET.fromstring(path.read_bytes()).iter("testcase"))) == 2
        elif path.name == "report.html":
            text = path.read_bytes().decode("utf-8")
            assert text.rstrip().endswith("</html>") and "静か" in text
        elif path.name == "history.jsonl":
            first = path.read_bytes().split(b"\n")[0]
            assert json.loads(first)["kind"] == "header"
        else:
            continue
        found.add(path.name)
    return found


def _judged_again(out: Path) -> None:
    if any(out.rglob("history.jsonl")):
        done = told("check", str(out), "--no-report", cwd=out.parent)
        assert done.returncode in (0, 1), done.stdout + done.stderr


def test_killed_at_any_moment(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    rng = random.Random(20261127)
    namespaces, mounts = network_namespaces() | _own_network(), _mounts()
    seen: Counter[str] = Counter()
    killed, batch = f"SIGKILL {-signal.SIGKILL}", 0
    while seen[killed] < KILLED and batch < KILLED + 2:
        running = []
        for number in range(AT_ONCE):
            directory = tmp_path / f"{batch}-{number}"
            directory.mkdir()
            with (directory / "said").open("wb") as words:
                process = subprocess.Popen(
                    # Under nohup and the like an interrupt is ignored, and children inherit that.
                    ["env", "--default-signal=INT", *_command(directory)],
                    cwd=directory,
                    env={**os.environ, MARKER: directory.name, "PYTHONFAULTHANDLER": ""},
                    stdin=subprocess.DEVNULL,
                    stdout=words,
                    stderr=words,
                )
            running.append((directory, process, SIGNALS[(batch * AT_ONCE + number) % len(SIGNALS)]))
        for directory, process, chosen in running:
            # The moment is what is tested.  Before Python itself is up nobody can answer.
            assert wait_until(lambda d=directory: _loads(d.name))  # type: ignore[misc]
            try:
                status = process.wait(rng.uniform(0.0, 7.0))
            except subprocess.TimeoutExpired:
                process.send_signal(chosen)
                status = process.wait(60)
            said = (directory / "said").read_text("utf-8", "replace")
            assert "Traceback" not in said, said
            assert status in STATUSES[chosen] | {0, 1}, said
            found = _readable(directory)
            if status in (130, 143) and "the runs end now" in said:
                assert {"r.json", "r.xml", "report.html"} <= found, said
                seen["with results"] += 1
            seen[f"{chosen.name} {status}"] += 1
            _judged_again(directory / "out")
            assert not list(directory.rglob("*.part"))
        for directory, _, _ in running:
            assert wait_until(lambda d=directory: not with_marker(f"{MARKER}={d.name}"), pause=0.1)  # type: ignore[misc]
        batch += 1
    request.node.user_properties.append(("killed", str(dict(seen))))
    assert wait_until(lambda: network_namespaces() <= namespaces, pause=0.2)
    assert _mounts() == mounts
    assert seen[killed] >= KILLED


def _own_network() -> set[str]:
    return {str(Path("/proc/self/ns/net").readlink())}


def _mounts() -> set[str]:
    """Where something is mounted on the machine itself."""
    return {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}


def _loads(marker: str) -> bool:
    """Whether the command runs Python code of ours by now, or is over."""
    pids = with_marker(f"{MARKER}={marker}")
    if not pids:
        return True
    maps = []
    for pid in pids:
        try:
            maps.append(Path(f"/proc/{pid}/maps").read_text())
        except OSError:
            continue
    return any("_signal" in each or "_socket" in each or "pydantic" in each for each in maps)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment that finds a locale of an old character set, which few machines have."""
    directory = tmp_path_factory.mktemp("locales")
    localedef = shutil.which("localedef", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if localedef is None or not Path("/usr/share/i18n/locales/de_DE").exists():
        pytest.skip("no localedef, or nothing to make locales of: install the package locales")
    command = [
        localedef,
        "--no-archive",
        "-i",
        "de_DE",
        "-f",
        "ISO-8859-1",
        str(directory / LATIN_1),
    ]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    found = {"LOCPATH": str(directory)}
    ask = "import locale, sys; print(locale.getpreferredencoding(), sys.stdout.encoding)"
    done = subprocess.run(
        [sys.executable, "-c", ask], env={**os.environ, **LOCALES[LATIN_1], **found},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.split() == ["ISO-8859-1", "iso8859-1"]
    return found


@pytest.mark.parametrize("name", LOCALES)
def test_any_locale(tmp_path: Path, name: str, request: pytest.FixtureRequest) -> None:
    directory = tmp_path / "größe ✓"
    directory.mkdir()
    more = request.getfixturevalue("made") if name == LATIN_1 else {}
    environment = {**os.environ, **LOCALES[name], **more}
    run = _command(directory)
    for command in ([*run[:3], "validate", str(directory)], run):
        done = subprocess.run(
            command, cwd=directory, env=environment, capture_output=True, timeout=120,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        said = (done.stdout + done.stderr).decode("latin-1")
        assert "Traceback" not in said and "Error" not in said, said
        assert done.returncode == (0 if command is not run else 1), said
    assert _readable(directory) == {"r.json", "r.xml", "report.html", "history.jsonl"}


@pytest.mark.parametrize("moment", range(DISKS))
def test_a_disk_that_is_full_from_some_moment_on(
    tmp_path: Path, moment: int, request: pytest.FixtureRequest
) -> None:
    (tmp_path / "disk").mkdir()
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    seconds = 0.4 + moment * (0.6 if SOAK else 3.0)
    done = subprocess.run(
        ["unshare", *user, "--mount", "sh", "-c", FULL, "sh", *_command(tmp_path, "disk/")],
        cwd=tmp_path,
        env={**os.environ, "MOMENT": f"{seconds:.1f}", MARKER: f"full-{moment}"},
        capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    said = done.stdout + done.stderr
    said_last = done.stderr.splitlines()[-1:]
    what = f"status {done.returncode}: {said_last}"
    request.node.user_properties.append((f"full after {seconds:.1f} s", what))
    assert "Traceback" not in said, said
    assert done.returncode in (0, 1, 2), said
    _readable(tmp_path / "kept")
    _judged_again(tmp_path / "kept" / "out")
    assert not list((tmp_path / "kept").rglob("*.part"))
    if done.returncode == 2:
        assert "No space left on device" in done.stderr
    assert not with_marker(f"{MARKER}=full-{moment}")
