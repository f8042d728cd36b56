"""Inside the sandbox: runs one comparison in pairs and prints its figures as JSON."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path

from bench import street
from bench.comparisons import COMPARISONS
from bench.subjects import Subject, Task, write_source


def rate(subject: Subject, messages: int, source: Path) -> float:
    """Messages a second of one run."""
    with tempfile.TemporaryDirectory(dir=source.parent) as directory:
        return messages / subject(Task(messages, source, Path(directory)))


def main() -> None:
    """Arguments: name of the comparison, pairs, directory for files."""
    comparison = COMPARISONS[sys.argv[1]]
    pairs, directory = int(sys.argv[2]), Path(sys.argv[3])
    street.build()
    ours_source, theirs_source = directory / "ours.in", directory / "theirs.in"
    write_source(ours_source, comparison.our_messages)
    write_source(theirs_source, comparison.their_messages)
    ours, theirs = [], []
    for _ in range(pairs):
        ours.append(rate(comparison.ours, comparison.our_messages, ours_source))
        theirs.append(rate(comparison.theirs, comparison.their_messages, theirs_source))
        print(f"  {ours[-1]:12,.0f} {theirs[-1]:12,.0f} messages/s", file=sys.stderr, flush=True)
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    print(
        json.dumps(
            {
                "name": comparison.name,
                "ratio": round(statistics.median(ratios), 2),
                "goal": comparison.goal,
                "ours": round(statistics.median(ours)),
                "theirs": round(statistics.median(theirs)),
                "unit": "messages/s",
                "pairs": [[round(a), round(b)] for a, b in zip(ours, theirs, strict=True)],
            }
        )
    )


if __name__ == "__main__":
    main()
