"""Who made a container, whether that run still lives, and how its remains are removed.

Everything that we make carries three labels: the run's id, its owner (a process that can be looked
for), its role.  A run whose owner is gone is dead; what it left is removed at the next start of a
docker lab on the same machine, and by `halfopen clean`.  What has no such label is never touched.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import docker
import psutil
from docker.errors import APIError, NotFound

from halfopen.labs.docker.engine import this_node

RUN = "halfopen.run"
OWNER = "halfopen.owner"
ROLE = "halfopen.role"

# The kernel counts a process's start in ticks from boot; the clock of day may be set meanwhile.
_SAME_START_S = 2.0

_CONFLICT = 409
_IN_USE_S = 30.0
_AGAIN_S = 0.1


@dataclass(frozen=True)
class Owner:
    """The process that made something.

    Attributes:
        node: machine and PID namespace, see :func:`this_node`.
        pid: its process id there.
        started: when it was started, seconds since the epoch: ids are used again.
    """

    node: str
    pid: int
    started: float

    @property
    def state(self) -> str:
        """`alive`, `dead`, or `elsewhere` if it cannot be seen from here."""
        if self.node != this_node():
            return "elsewhere"
        try:
            started = psutil.Process(self.pid).create_time()
        except psutil.NoSuchProcess:
            return "dead"
        return "alive" if abs(started - self.started) < _SAME_START_S else "dead"


def this_process() -> Owner:
    """The owner of what we make."""
    return Owner(this_node(), os.getpid(), psutil.Process().create_time())


def new_run() -> str:
    """The id of a new run."""
    return secrets.token_hex(5)


def labels(run: str, role: str) -> dict[str, str]:
    """The labels of something that we make for `run`."""
    owner = this_process()
    described = {"node": owner.node, "pid": owner.pid, "started": round(owner.started, 2)}
    return {RUN: run, OWNER: json.dumps(described), ROLE: role}


@dataclass(frozen=True)
class Leftover:
    """What there is of one run.

    Attributes:
        run: its id.
        owner: `alive`, `dead` or `elsewhere`, see :class:`Owner`; `unknown` if nothing says so.
        where: the owner's node.
        containers: their names, those that depend on others first.
        volumes: their names.
        running: the number of containers that run.
    """

    run: str
    owner: str
    where: str
    containers: tuple[str, ...]
    volumes: tuple[str, ...]
    running: int


def find(client: docker.DockerClient) -> list[Leftover]:
    """All that carries our label, run by run."""
    containers: dict[str, list[tuple[str, bool]]] = {}
    volumes: dict[str, list[str]] = {}
    owners: dict[str, str] = {}
    # The low-level calls take one answer for all: an object for each would ask for each again.
    for each in client.api.containers(all=True, filters={"label": RUN}):
        run = each["Labels"][RUN]
        containers.setdefault(run, []).append(
            (each["Names"][0].lstrip("/"), each["State"] == "running")
        )
        owners.setdefault(run, each["Labels"].get(OWNER, ""))
    for each in client.api.volumes(filters={"label": RUN})["Volumes"] or ():
        run = each["Labels"][RUN]
        volumes.setdefault(run, []).append(each["Name"])
        owners.setdefault(run, each["Labels"].get(OWNER, ""))
    found = []
    for run, written in sorted(owners.items()):
        state, where = _owner(written)
        there = containers.get(run, ())
        found.append(
            Leftover(
                run=run,
                owner=state,
                where=where,
                containers=tuple(sorted((name for name, _ in there), key=len, reverse=True)),
                volumes=tuple(sorted(volumes.get(run, ()))),
                running=sum(running for _, running in there),
            )
        )
    return found


def _owner(written: str) -> tuple[str, str]:
    try:
        owner = Owner(**json.loads(written))
    except (ValueError, TypeError):
        return "unknown", "?"
    return owner.state, owner.node


def remove(client: docker.DockerClient, leftover: Leftover) -> None:
    """Remove the containers and volumes of one run; what is gone already is no problem."""
    deadline = time.monotonic() + _IN_USE_S

    def until_gone(removal: Callable[[], None]) -> None:
        while True:
            try:
                removal()
            except NotFound:
                return
            except APIError as error:
                # Somebody else is removing it, or a container that uses it, at this moment.
                if error.status_code != _CONFLICT or time.monotonic() > deadline:
                    raise
                time.sleep(_AGAIN_S)

    def container(name: str) -> None:
        until_gone(lambda: client.api.remove_container(name, force=True, v=True))

    if leftover.containers:
        with ThreadPoolExecutor(max_workers=len(leftover.containers)) as pool:
            list(pool.map(container, leftover.containers))
    for name in leftover.volumes:
        until_gone(lambda name=name: client.api.remove_volume(name, force=False))  # type: ignore[misc]


def collect_garbage(client: docker.DockerClient) -> Sequence[Leftover]:
    """Remove what dead runs left; returns what that was."""
    dead = [each for each in find(client) if each.owner == "dead"]
    for each in dead:
        remove(client, each)
    return dead
