"""What figures depend on: the processor, the kernel, and relpio's interpreter.

How an interpreter was built cannot be asked for (Debian's does not say that it is optimised by a
profile), so a loop tells how fast it is.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

PYTHON_VARIABLE = "BENCH_PYTHON"
"""Interpreter that runs relpio; by default the one that runs the benchmark."""

_ASK = """
import json, platform, sys, timeit
from relpio.loops import COMPILED
seconds = min(timeit.repeat("for i in numbers: n += i & 1", "n = 0; numbers = range(100000)",
                            number=10, repeat=7))
version = f"{platform.python_implementation()} {platform.python_version()}"
print(json.dumps({
    "interpreter": f"{version} in {sys.base_prefix}, {platform.python_compiler()}",
    "its speed": f"{1 / seconds:.0f} million turns of a loop a second",
    "loops": "compiled" if COMPILED else "in Python",
}))
"""


def interpreter() -> str:
    """Path of the interpreter that runs relpio."""
    return os.environ.get(PYTHON_VARIABLE, sys.executable)


def facts() -> dict[str, str]:
    """Processor, kernel, interpreter, its speed, and whether relpio's compiled part is in use.

    Raises:
        subprocess.CalledProcessError: the interpreter cannot import relpio.
    """
    asked = subprocess.run(
        [interpreter(), "-c", _ASK], stdout=subprocess.PIPE, text=True, check=True, timeout=60
    )
    own: dict[str, str] = json.loads(asked.stdout)
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "kernel": platform.release(),
        **own,
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model"):
            return value.strip()
    return platform.machine()
