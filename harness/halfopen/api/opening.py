"""Opens a lab, and closes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from halfopen.api.lab import OpenLab
from halfopen.api.settings import RunSettings
from halfopen.errors import UnsupportedError, UsageError
from halfopen.labs import lab_named
from halfopen.ports import LabSpec
from halfopen.runner.auto import AUTO, scaled_lab, virtual_lab
from halfopen.runner.choice import ON_VIRTUAL_TIME


@contextmanager
def open_lab(
    directory: Path,
    *,
    lab: str = "netns",
    scale: float = 1.0,
    seed: int = 0,
    name: str = "python",
) -> Iterator[OpenLab]:
    """A fresh lab; everything in it is gone when the block ends, however it ends.

    Args:
        directory: for the history and the programs' files.
        lab: see `halfopen doctor`; `auto` is the one on virtual time where it works, else netns.
        scale: seconds of production time that pass in one second; on virtual time, where nothing
            is scaled, only how much longer is waited for what has a timeout.
        seed: seed of the random generator.
        name: of the run, in the history.

    Raises:
        UsageError: if there is no such lab, or the scale is below 1.
        UnsupportedError: if not supported on this machine.
    """
    spec, why = _chosen() if lab == AUTO else (lab_named(lab), "")
    if not 1 <= scale <= 1e9:
        raise UsageError(
            f"a scale of {scale!r} is not accepted; it divides time and must be 1 or more"
        )
    if problems := spec.missing():
        raise UnsupportedError("\n".join([f"the lab {spec.name} does not work here:", *problems]))
    directory.mkdir(parents=True, exist_ok=True)
    opened = OpenLab(RunSettings(spec, directory, scale, seed, name, why))
    try:
        opened.begin()
        try:
            yield opened
        finally:
            opened.end()
    finally:
        opened.close()


def _chosen() -> tuple[LabSpec, str]:
    """The lab where nobody says which, and why; what will be asked of it is not known yet."""
    virtual = virtual_lab()
    if problems := virtual.missing():
        return scaled_lab(), "; ".join(problems)
    return virtual, ON_VIRTUAL_TIME
