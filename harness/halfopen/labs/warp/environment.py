"""What the programs of a guest find in their environment: ours, as far as no clock can see it.

A system call that fails takes a guest 1 us.  So can be seen in its history how many directories
were searched for a program, and which files of a locale were looked for.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from halfopen.products.tools import SEARCH_PATH

TOOLS = ("env", "mount", "nft", "nsenter", "setpriv", "unshare")
"""Programs that the agent starts by name."""

_LOCALE = "C.UTF-8"
_PYTHON = {"HASHSEED": "0", "UNBUFFERED": "1", "DONTWRITEBYTECODE": "1"}


def link_tools(directory: Path) -> None:
    """Have the agent's tools in one directory, where they are found at once."""
    directory.mkdir(exist_ok=True)
    for tool in TOOLS:
        if where := shutil.which(tool, path=SEARCH_PATH):
            (directory / tool).symlink_to(os.path.abspath(where))  # noqa: PTH100 - no links resolved


def guest_environment(ours: Mapping[str, str], tools: Path) -> dict[str, str]:
    """The environment of a guest's first process.

    Args:
        ours: the environment here.
        tools: where :func:`link_tools` has put them.
    """
    kept = {
        name: value
        for name, value in ours.items()
        if name.isidentifier() and not name.startswith("LC_") and name not in ("LANG", "LANGUAGE")
    }
    path = os.pathsep.join([str(tools), str(Path(sys.executable).parent), SEARCH_PATH])
    python = {f"PYTHON{name}": value for name, value in _PYTHON.items()}
    return {**kept, "PATH": path, "LC_ALL": _LOCALE, **python}
