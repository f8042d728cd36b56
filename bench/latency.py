"""Inside the sandbox: the time from accept to acknowledgement, at half of the top rate.

Arguments: pairs (here: runs), directory.  There is no peer to compare with: the bound is the goal.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import street
from bench.measure import rate
from bench.subjects import PORT, relpio, start_receiver, write_source
from halfopen.labs.agent import network

NAME = "relp-latency-p99"
BOUND_MS = 20.0
_MESSAGES = 500_000
_SECONDS = 5.0


def _p99(directory: Path, messages_per_second: float) -> float:
    """Milliseconds within which 99 of 100 messages were acknowledged."""
    receiver = start_receiver(directory)
    argv = ["nsenter", f"--net={network.NAMESPACES / street.SENDER}", "--", sys.executable]
    argv += ["-m", "bench.paced", street.ADDRESS, PORT, str(messages_per_second), str(_SECONDS)]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
        return float(json.loads(done.stdout)["p99"])
    finally:
        street.end([receiver])


def main() -> None:
    """Print the figures as JSON."""
    runs, parent = int(sys.argv[1]), Path(sys.argv[2])
    street.build()
    source = parent / "source"
    write_source(source, _MESSAGES)
    top = statistics.median(rate(relpio(), _MESSAGES, source) for _ in range(3))
    found = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory(dir=parent) as directory:
            found.append(_p99(Path(directory), top / 2))
        print(f"  {found[-1]:12.2f} ms at {top / 2:,.0f} messages/s", file=sys.stderr, flush=True)
    median = statistics.median(found)
    print(
        json.dumps(
            {
                "name": NAME,
                "ratio": round(BOUND_MS / median, 2),
                "goal": 1.0,
                "ours": round(median, 2),
                "theirs": BOUND_MS,
                "unit": f"ms at {top / 2:.0f} messages/s; theirs is the bound",
                "pairs": [[round(each, 2), BOUND_MS] for each in found],
            }
        )
    )


if __name__ == "__main__":
    main()
