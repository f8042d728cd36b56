"""Every variant of the incident fails on a relpio that lacks what the variant is about.

A check that has never been seen to fail proves nothing.  Each mutant is relpio with one call
removed or added; it is found by PYTHONPATH, so that the installed one is not touched.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

import relpio
from halfopen.checkers import all_checks
from halfopen.scenario import load_scenario
from halfopen.vocabulary import default_vocabulary
from tests.lab.scenarios import INCIDENT, halfopen

pytestmark = pytest.mark.lab


@dataclass(frozen=True)
class Mutant:
    """A change to one module of relpio, and the check that must then fail in `variant`.

    Attributes:
        evidence: what the failing check's reason must speak of, for a person to understand it.
    """

    variant: str
    module: str
    old: str
    new: str
    check: str
    evidence: str


KEEPALIVE_CALL = "    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)\n"
NO_KEEPALIVE_ASKED = "    if keepalive is None:\n        return\n    sock"
ALWAYS = "    keepalive = keepalive or Keepalive(3, 1, 9)\n    sock"
USER_TIMEOUT_CALL = (
    "    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(seconds * 1000))\n"
)
ACK_TIMER = "ack_timeout=options.ack_timeout,"

MUTANTS = (
    Mutant(
        "keepalive-off", "net/sockopts.py", NO_KEEPALIVE_ASKED, ALWAYS, "half-open", "half-open"
    ),
    Mutant("sysctl-only", "net/sockopts.py", NO_KEEPALIVE_ASKED, ALWAYS, "half-open", "half-open"),
    Mutant(
        "keepalive-7200", "net/sockopts.py", KEEPALIVE_CALL, "    return\n", "half-open", "at end 3"
    ),
    Mutant("keepalive-1800", "net/sockopts.py", KEEPALIVE_CALL, "    return\n", "idle drops", "3"),
    Mutant("sender-busy", "command/send.py", ACK_TIMER, "ack_timeout=None,", "delivery", "lost"),
    Mutant(
        "sender-busy-user-timeout",
        "net/sockopts.py",
        USER_TIMEOUT_CALL,
        "    return\n",
        "delivery",
        "lost",
    ),
)


# Where a check is seen to fail that no mutant of relpio's fails and no scenario reproduces.
SEEN_ELSEWHERE = {
    "cpu": "test_lab_programs.py",
    "log contains": "test_lab_programs.py",
    "counters": "test_lab_programs.py",
    "arrivals": "test_queue_pace.py",
    "exits": "test_program_exits.py",
}
LIBRARY = INCIDENT.parents[1]


def _reproduced() -> set[str]:
    """The checks that a variant of the library fails on purpose."""
    vocabulary = default_vocabulary()
    return {
        expectation.check
        for path in sorted(LIBRARY.glob("**/*.scenario.yaml"))
        for variant in load_scenario(path, vocabulary).variants
        for expectation in variant.expect
        if expectation.reproduces
    }


def _breed(mutant: Mutant, directory: Path) -> Mapping[str, str]:
    """Write the mutant below `directory`; returns the environment in which it is found."""
    package = directory / "mutant" / "relpio"
    shutil.copytree(
        Path(relpio.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__")
    )
    module = package / mutant.module
    source = module.read_text()
    assert source.count(mutant.old) == 1, f"{mutant.module} no longer has the line to change"
    module.write_text(source.replace(mutant.old, mutant.new))
    return {"PYTHONPATH": str(package.parent)}


def _run(mutant: Mutant, directory: Path) -> dict[str, object]:
    directory.mkdir()
    environment = dict(_breed(mutant, directory))
    done = halfopen(
        "run", INCIDENT, "--variant", mutant.variant, "--out", directory / "out",
        "--json", directory / "results.json", "--no-report", "--quiet",
        cwd=directory, env=environment,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    results = json.loads((directory / "results.json").read_text())["results"]
    assert len(results) == 1
    found: dict[str, object] = results[0]
    return found


@pytest.mark.usefixtures("netns")
@pytest.mark.timeout(180)
def test_each_variant_fails_on_the_program_that_lacks_its_cure(tmp_path: Path) -> None:
    with ThreadPoolExecutor(len(MUTANTS)) as pool:
        results = list(pool.map(lambda m: _run(m, tmp_path / m.variant), MUTANTS))
    failed = set()
    for mutant, result in zip(MUTANTS, results, strict=True):
        assert result["verdict"] == "fail", (mutant.variant, result)
        checks = result["checks"]
        assert isinstance(checks, list)
        failed |= {c["check"] for c in checks if c["verdict"] == "fail"}
        unexpected = [c for c in checks if c["verdict"] != c["expected"]]
        named = [c for c in unexpected if c["check"] == mutant.check]
        assert named, (mutant.variant, unexpected)
        assert mutant.evidence in named[0]["why"], (mutant.variant, named)
    missed = set(all_checks()) - failed - SEEN_ELSEWHERE.keys() - _reproduced()
    assert not missed, "a check that was never seen to fail proves nothing"
