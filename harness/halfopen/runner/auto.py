"""The labs between which `--lab auto` chooses, and what speaks against the first one."""

from __future__ import annotations

from halfopen.labs import all_labs, lab_named
from halfopen.ports import LabSpec, Vocabulary
from halfopen.runner.choice import Chooser

AUTO = "auto"
"""As `--lab` takes it: the lab is chosen for each scenario."""

_SCALED = "netns"


def virtual_lab() -> LabSpec:
    """The lab on virtual time."""
    return next(lab for lab in all_labs().values() if lab.loop is not None)


def scaled_lab() -> LabSpec:
    """The lab where that one cannot play."""
    return lab_named(_SCALED)


def make_chooser(
    vocabulary: Vocabulary, *, scale: float | None, seed: int, pcap: bool = False
) -> Chooser:
    """The chooser of an invocation.

    Args:
        vocabulary: that scenarios name.
        scale: asked for; None for that of each file.
        seed: of the random generator.
        pcap: captures are asked for.
    """
    virtual = virtual_lab()
    objection = _objection(virtual, scale=scale, pcap=pcap)
    return Chooser(virtual, scaled_lab(), vocabulary, objection, scale, seed)


def _objection(virtual: LabSpec, *, scale: float | None, pcap: bool) -> str:
    """What speaks against a lab on virtual time for all scenarios; empty if nothing does."""
    if scale is not None:
        return f"--scale asks for scaled time, and the lab {virtual.name} has none"
    if pcap and not virtual.captures:
        return f"--pcap asks for captures, which the lab {virtual.name} does not support"
    return "; ".join(virtual.missing())
