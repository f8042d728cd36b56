"""Where a product's program is on this machine, and which version it says it is."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache

# Daemons are not on an ordinary user's path on Debian.
SEARCH_PATH = os.pathsep.join(
    [os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"]
)


def find_program(name: str) -> str | None:
    """The absolute path of a program, None if it is not installed.

    Args:
        name: looked up on the path, that of administrators included, or an absolute path.
    """
    return shutil.which(name, path=SEARCH_PATH)


@cache
def first_line(*argv: str) -> str | None:
    """The first line that a program writes to standard output; None if it cannot be run."""
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.strip().splitlines()
    return lines[0].strip() if lines else None
