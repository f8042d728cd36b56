"""What figures depend on: the processor, the kernel, and how relpio's interpreter was built."""

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
import json, platform, sys, sysconfig
from relpio.loops import COMPILED
optimised = "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
print(json.dumps({
    "interpreter": f"{platform.python_implementation()} {platform.python_version()}",
    "build": "optimised" if optimised else "not optimised",
    "loops": "compiled" if COMPILED else "in Python",
}))
"""


def interpreter() -> str:
    """Path of the interpreter that runs relpio."""
    return os.environ.get(PYTHON_VARIABLE, sys.executable)


def facts() -> dict[str, str]:
    """Processor, kernel, interpreter, its build, and whether relpio's compiled part is in use.

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
