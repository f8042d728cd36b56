"""Build hook: compiles loops where that is possible, else builds the distribution without them.

    wheel      holds the compiled part and is tagged for Python's stable ABI and this platform;
               where it cannot be compiled, the wheel is pure and runs everywhere
    editable   the compiled part is put beside its source

Both distributions use it; their pyproject.toml gives the options:

    sources    directory of the C files, relative to that of pyproject.toml
    package    the same directory in the wheel
    variable   with this environment variable set to 1 nothing is compiled
    data       directories that the wheel holds: in pyproject.toml's directory -> in the wheel
"""

from __future__ import annotations

import os
import shutil
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODULE = "_compiled.abi3.so"
OLDEST = (3, 11)
"""Python whose stable ABI is used: the oldest that both run on."""


class CompiledLoops(BuildHookInterface[Any]):
    """Adds the compiled part to what is built."""

    _directory: tempfile.TemporaryDirectory[str] | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it builds; `version` is "standard" or "editable"."""
        if version == "standard":  # an editable one has them where they are
            for source, place in self.config.get("data", {}).items():
                build_data["force_include"][str(Path(self.root) / source)] = place
        if os.environ.get(self.config["variable"], "0") not in ("", "0"):
            return
        sources = Path(self.root) / self.config["sources"]
        if version == "editable":  # what is there may be of an older source
            (sources / MODULE).unlink(missing_ok=True)
        self._directory = tempfile.TemporaryDirectory(prefix="compiled-")
        try:
            built = compile_loops(sources, Path(self._directory.name))
        except Exception as error:  # of many kinds; none is a reason not to install
            name = self.metadata.name
            self.app.display_warning(f"{name} is built without its compiled part: {error}")
            return
        if version == "editable":
            shutil.move(built, sources / MODULE)
            return
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"cp{OLDEST[0]}{OLDEST[1]}-abi3-{platform}"
        build_data["force_include"][str(built)] = f"{self.config['package']}/{MODULE}"

    def finalize(self, *_: object) -> None:
        """Called by hatchling when it has built."""
        if self._directory is not None:
            self._directory.cleanup()


def compile_loops(sources: Path, directory: Path) -> Path:
    """Compile with setuptools, which knows this Python's compiler and flags; return the module.

    Raises:
        Exception: there is no compiler, or Python's headers are missing.
    """
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    os.environ.setdefault("SOURCE_DATE_EPOCH", "0")
    extension = Extension(
        "_compiled",
        sorted(each.name for each in sources.glob("*.c")),
        define_macros=[("Py_LIMITED_API", f"0x{OLDEST[0]:02X}{OLDEST[1]:02X}0000")],
        # The same bytes wherever the source lies.
        extra_compile_args=["-std=c99", "-O2", "-g0", "-Wall", "-Wextra", "-fvisibility=hidden"],
        extra_link_args=["-Wl,-s"],
        py_limited_api=True,
    )
    command = build_ext(Distribution({"ext_modules": [extension]}))
    command.build_lib = str(directory)
    command.build_temp = str(directory / "objects")
    command.ensure_finalized()
    before = Path.cwd()
    os.chdir(sources)
    try:
        command.run()
    finally:
        os.chdir(before)
    (built,) = directory.glob("_compiled*.so")
    return built
