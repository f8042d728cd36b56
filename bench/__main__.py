"""`python -m bench [--pairs N] [--python PATH] [--pure] [NAME ...]`: run comparisons.

Prints what the figures depend on and the ratios, and writes both to `results.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import forwarding, latency, machine, warp
from bench.comparisons import COMPARISONS
from halfopen.labs.netns import sandbox

RESULTS = Path(__file__).parent / "results.json"
IMPL = Path(__file__).parents[1] / "impl"
ALONE = {latency.NAME: "bench.latency", forwarding.NAME: "bench.forwarding"}
"""Measured against a bound, not against a peer."""
NAMES = (*COMPARISONS, *ALONE, *warp.TASKS)


def run(name: str, pairs: int) -> dict[str, object]:
    """Run one comparison, in a sandbox of its own if its programs are to meet on a network."""
    with tempfile.TemporaryDirectory(prefix="halfopen-bench-") as directory:
        arguments, environment = [str(pairs), directory], None
        if name in warp.TASKS:
            argv = [sys.executable, "-m", "bench.warp", name, *arguments]
        else:
            module = [ALONE[name]] if name in ALONE else ["bench.measure", name]
            argv = sandbox.command(sys.executable, "-m", *module, *arguments)
            environment = sandbox.environment()
        done = subprocess.run(
            argv,
            env=environment,
            cwd=Path(__file__).parents[1],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> int:
    """Run what is asked for; a ratio below its goal is said, and is no error of the program."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--python", metavar="PATH", help="interpreter that runs relpio")
    parser.add_argument("--pure", action="store_true", help="without what is compiled")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are: {', '.join(NAMES)}")
    if options.python:
        os.environ[machine.PYTHON_VARIABLE] = options.python
        # It may know nothing of what is installed here.
        paths = [str(IMPL), *filter(None, [os.environ.get("PYTHONPATH")])]
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    if options.pure:
        os.environ["RELPIO_PURE"] = os.environ["HALFOPEN_PURE"] = "1"
    facts = machine.facts()
    print(", ".join(f"{name}: {value}" for name, value in facts.items()), flush=True)
    results = []
    for name in options.names or NAMES:
        print(f"{name}: ours, theirs", flush=True)
        results.append(run(name, options.pairs))
    RESULTS.write_text(json.dumps({"machine": facts, "ratios": results}, indent=2) + "\n")
    for each in results:
        print(
            f"{each['name']}: ratio {each['ratio']} (goal {each['goal']}): "
            f"{each['ours']:,} against {each['theirs']:,} {each['unit']}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
