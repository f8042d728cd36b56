"""The docker lab, as `--lab` finds it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from halfopen.errors import UnsupportedError
from halfopen.labs.agent.actions import all_actions
from halfopen.labs.agent.engines import ENGINES
from halfopen.model.records import Recorder
from halfopen.optional import DOCKER
from halfopen.ports import Lab, LabSpec
from halfopen.verbs import FillDisk, SetDiskReadOnly, SlowDisk, StepClock, TruncateFile, Verb

# The Docker SDK takes longer to import than all of us: only who uses this lab waits for it.

_NOT_HERE: frozenset[type[Verb]] = frozenset(
    {FillDisk, SetDiskReadOnly, SlowDisk, StepClock, TruncateFile}
)
"""What needs a mount namespace of ours around the program, a library in it, or its files."""


def missing() -> Sequence[str]:
    """What keeps this lab from working, each with its remedy; empty if nothing."""
    if lacking := DOCKER.missing():
        return lacking
    from halfopen.labs.docker.engine import connect, helper_problem

    try:
        client = connect()
    except UnsupportedError as error:
        return [str(error)]
    try:
        problem = helper_problem(client)
    finally:
        client.close()
    return [] if problem is None else [problem]


def open_lab(directory: Path, token: str, record: Recorder) -> Lab:
    """A lab for one run, see :class:`halfopen.labs.docker.session.DockerLab`."""
    from halfopen.labs.docker.session import DockerLab

    return DockerLab(directory, token, record)


LAB = LabSpec(
    name="docker",
    summary="each host is a container; all it needs is access to a Docker engine",
    scaled=True,
    verbs=frozenset(all_actions()) - _NOT_HERE,
    missing=missing,
    open=open_lab,
    engines={engine.name: engine.verbs for engine in ENGINES},
    images=True,
    captures=True,
)
