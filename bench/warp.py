"""How long the lab `warp` takes, from the shell prompt to the verdict.

Arguments: name, runs, directory.  There is no peer to compare with: the bound is the goal.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from halfopen.labs.warp.lab import LAB

_ROOT = Path(__file__).parents[1]
_FORTIGATE = "scenarios/incidents/fortigate-idle-relp.scenario.yaml"


@dataclass(frozen=True)
class _Task:
    """What is played.

    Attributes:
        bound_s: seconds of wall time within which it is to be done.
        arguments: of `halfopen run --lab warp`.
        once: it takes long, and is not repeated.
    """

    bound_s: float
    arguments: Sequence[str]
    once: bool = False


def _incidents() -> list[str]:
    """All, but Kafka's: a JVM is never idle for long, and takes minutes."""
    files = sorted((_ROOT / "scenarios/incidents").glob("*.scenario.yaml"))
    return [str(each) for each in files if "run: kafka" not in each.read_text()]


TASKS = {
    "warp-one-variant": _Task(3.0, [_FORTIGATE, "--variant", "keepalive-7200"]),
    "warp-six-variants": _Task(8.0, [_FORTIGATE]),
    "warp-day-of-rsyslog": _Task(4.0, ["bench/scenarios/rsyslog-day.scenario.yaml"]),
    "warp-thousand-flows": _Task(10.0, ["bench/scenarios/thousand-flows.scenario.yaml"]),
    "warp-incidents": _Task(240.0, _incidents(), once=True),
}


def _seconds(task: _Task, directory: Path) -> tuple[float, float]:
    """Wall time and CPU time of one run.

    Raises:
        subprocess.CalledProcessError: a verdict was not the one that is expected.
    """
    argv = [sys.executable, "-m", "halfopen", "run", "--lab", "warp", "--seed", "1", "--quiet"]
    computed = _computed()
    begun = time.monotonic()
    subprocess.run(
        [*argv, "--out", str(directory), *task.arguments],
        cwd=_ROOT,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.monotonic() - begun, _computed() - computed


def _computed() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print the figures as JSON."""
    name, runs, directory = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    if problems := LAB.missing():
        sys.exit(f"{name}: {'; '.join(problems)}")
    task = TASKS[name]
    walls, cpus = [], []
    for number in range(1 if task.once else runs):
        wall, cpu = _seconds(task, directory / str(number))
        print(f"  {wall:12.2f} s, {cpu:.2f} s of CPU", file=sys.stderr, flush=True)
        walls.append(wall)
        cpus.append(cpu)
    median = statistics.median(walls)
    print(
        json.dumps(
            {
                "name": name,
                "ratio": round(task.bound_s / median, 2),
                "goal": 1.0,
                "ours": round(median, 2),
                "theirs": task.bound_s,
                "unit": f"s, {statistics.median(cpus):.2f} s of CPU; theirs is the bound",
                "pairs": [[round(each, 2), task.bound_s] for each in walls],
            }
        )
    )


if __name__ == "__main__":
    main()
