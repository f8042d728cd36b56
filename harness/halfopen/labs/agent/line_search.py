"""Waits until a line of a growing file matches a regular expression: a program of its own.

    line_search.py FILE OFFSET PATTERN

A search cannot be interrupted in the process that does it, and some expressions take longer than
the universe lasts on a line of forty characters.  The kernel ends this process (SIGXCPU) when it
has used `CPU_S` seconds.  It is run by its path and imports only the standard library.
"""

import re
import resource
import sys
import time
from pathlib import Path

CPU_S = 5
_POLL_S = 0.05


def main(name: str, offset: int, pattern: str) -> None:
    """Return when such a line is there."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 1))
    line = re.compile(pattern)
    begun = b""  # a line whose end is not written yet
    while True:
        try:
            with Path(name).open("rb") as file:
                file.seek(offset)
                data = file.read()
        except FileNotFoundError:
            data = b""
        if data:
            offset += len(data)
            text = begun + data
            begun = text.rpartition(b"\n")[2]
            if any(line.search(each) for each in text.decode(errors="replace").splitlines()):
                return
        time.sleep(_POLL_S)  # nobody tells of a file


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
