"""Our own code as a tar archive, for the helper container.

The image holds what the code needs; the code is the caller's.  So an image can be of another
version of halfopen than the caller only in its tools, and developers do not build images all day.
"""

from __future__ import annotations

import io
import tarfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("halfopen", "relpio")


@cache
def archive() -> bytes:
    """`code/halfopen/...` and `code/relpio/...`, the Python files only.

    What is compiled already goes along: a Python of the same version need not do it again (it
    compares the time of the source), any other passes it over (PEP 3147).
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for package in PACKAGES:
            spec = find_spec(package)
            if spec is None or spec.origin is None:
                continue
            root = Path(spec.origin).parent
            for path in sorted([*root.rglob("*.py"), *root.rglob("*.pyc")]):
                data = path.read_bytes()
                entry = tarfile.TarInfo(f"code/{package}/{path.relative_to(root).as_posix()}")
                entry.size, entry.mode = len(data), 0o644
                entry.mtime = int(path.stat().st_mtime)
                tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
