"""The containers of one run, and what each of them may do."""

from __future__ import annotations

import io
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import docker
from docker.errors import NotFound
from docker.models.containers import Container
from docker.types import LogConfig, Mount, Ulimit

from halfopen.labs.docker import code, garbage
from halfopen.labs.docker.engine import HELPER_IMAGE, translate_engine_errors
from halfopen.labs.docker.sweeping import VARIABLE
from halfopen.ports import ProgramSpec

ROOM = PurePosixPath("/halfopen")
"""Where the run's volume is mounted in every container of it."""

HOSTS = ROOM / "hosts"
"""In it, a directory for each host."""

CAPTURES = ROOM / "captures"
"""In it, what the links carried, if that is captured."""

LIBKEEPALIVE = ROOM / "lib" / "libkeepalive.so.0"
"""Comes with the helper image: the engine fills a new volume with what is at its place there."""

CAPABILITIES = (
    "NET_ADMIN",  # links, addresses, nftables, conntrack
    "NET_RAW",  # packet sockets of a middlebox in user space
    "SYS_ADMIN",  # namespaces: make, keep by name, enter
    "SYS_PTRACE",  # /proc/PID/ns and /proc/PID/fd of the programs
    "KILL",  # signals to programs that run as other users
    "DAC_READ_SEARCH",  # what they wrote
)
"""Of the helper; each is needed: a test leaves out one after the other."""

_OUR_PYTHONS = (sys.executable, "/usr/bin/python3")
"""Here, and in the helper, where stand-ins are thought of."""

_PYTHON_PATH = f"{ROOM}/code:/opt/halfopen"


class Containers:
    """Makes the containers of one run, and removes them.

    Args:
        client: of the engine; ours alone.
        capabilities: of the helper.
    """

    def __init__(
        self, client: docker.DockerClient, capabilities: tuple[str, ...] = CAPABILITIES
    ) -> None:
        self._client = client
        self._capabilities = capabilities
        self.run = garbage.new_run()
        self._prefix = f"halfopen-{self.run}"
        self._room = Mount(str(ROOM), self._prefix)
        self._helper: Container | None = None
        self._pause_containers: dict[str, Container] = {}
        self._subjects: dict[tuple[str, str], tuple[ProgramSpec, Container]] = {}

    def helper(self) -> Container:
        """The container of the agent, with our code in it; not started yet."""
        with translate_engine_errors("make the helper container"):
            self._client.volumes.create(self._prefix, labels=garbage.labels(self.run, "files"))
            self._helper = self._client.containers.create(
                HELPER_IMAGE,
                ["python3", "-m", "halfopen.labs.docker.agent"],
                name=f"{self._prefix}-helper",
                environment={
                    "PYTHONPATH": _PYTHON_PATH,
                    "PYTHONUNBUFFERED": "1",
                    VARIABLE: self.run,
                },
                labels=garbage.labels(self.run, "helper"),
                stdin_open=True,
                network_mode="none",
                pid_mode="host",
                cap_drop=["ALL"],
                cap_add=list(self._capabilities),
                # Docker's AppArmor profile forbids every mount, that of a namespace too.
                security_opt=["apparmor=unconfined"],
                tmpfs={"/run": "mode=755"},
                mounts=[self._room],
                log_config=LogConfig(type="none"),  # its output is the history
            )
            self._helper.put_archive(str(ROOM), code.archive())
        return self._helper

    def pause_container(self, host: str) -> int:
        """A container that does nothing but hold the namespace of a host; returns its pid.

        A subject's namespace must be plugged before it starts, and must outlive it.
        """
        with translate_engine_errors(f"make the host {host}"):
            pause_container = self._client.containers.create(
                HELPER_IMAGE,
                ["sleep", "infinity"],
                name=f"{self._prefix}-{host}",
                hostname=host,
                environment={VARIABLE: self.run},
                dns=["127.0.0.1"],  # the agent answers there
                dns_opt=["timeout:1", "attempts:2"],
                labels=garbage.labels(self.run, "pause_container"),
                network_mode="none",
                cap_drop=["ALL"],
                read_only=True,
                init=True,  # takes in the orphans of programs that live with it
            )
            self._pause_containers[host] = pause_container
            pause_container.start()
            return self._pid(pause_container)

    def subject(self, host: str, spec: ProgramSpec, *, reads: bool) -> Container:
        """The container of a program, not running; the same again if it ran before."""
        before = self._subjects.get((host, spec.name))
        if before is not None:
            if before[0] == spec:
                with translate_engine_errors(f"see the end of {spec.name} on {host}"):
                    before[1].wait(timeout=30)  # its first process may be gone before it is
                return before[1]
            with translate_engine_errors(f"remove {spec.name} on {host}"):
                before[1].remove(force=True, v=True)
        with translate_engine_errors(f"make the container of {spec.name} on {host}"):
            made = self._client.containers.create(
                **_program(replace(spec, env={**spec.env, VARIABLE: self.run})),
                name=f"{self._prefix}-{host}-{spec.name}",
                labels=garbage.labels(self.run, "subject"),
                network_mode=f"container:{self._pause_containers[host].id}",
                # Ours live in the pause container's PID namespace, too: the first process of a
                # namespace is spared every signal that it has not asked for (pid_namespaces(7)),
                # which surprises a program that was not written for containers.
                # Third-party images stay as they are.
                pid_mode=f"container:{self._pause_containers[host].id}"
                if spec.image is None
                else None,
                stdin_open=reads,
                mounts=[self._room],
                **_limits(spec.limits),
            )
            if spec.image_files:
                made.put_archive("/", _pack(spec.image_files))
        self._subjects[host, spec.name] = (spec, made)
        return made

    def start(self, container: Container, what: str) -> int:
        """Start it; returns the pid of its first process, 0 if it has ended already."""
        with translate_engine_errors(f"start {what}"):
            container.start()
            return self._pid(container)

    def status(self, host: str, program: str) -> int:
        """The exit status of a program that has ended."""
        with translate_engine_errors(f"ask for the end of {program} on {host}"):
            _, container = self._subjects[host, program]
            return int(container.wait(timeout=30)["StatusCode"])

    @staticmethod
    def _pid(container: Container) -> int:
        container.reload()
        return int(container.attrs["State"]["Pid"])

    def end(self) -> None:
        """End the programs."""
        programs = [each for _, each in self._subjects.values()]
        for container in [*programs, *self._pause_containers.values()]:
            try:
                container.remove(force=True, v=True)
            except NotFound:
                continue

    def collect(self, files: PurePosixPath, into: Path) -> None:
        """Copy a directory of the run's volume into one here; nothing if it was not made."""
        if self._helper is None:
            return
        try:
            pieces, _ = self._helper.get_archive(str(files))
        except NotFound:
            return
        _unpack(b"".join(pieces), into)

    def remove(self) -> None:
        """Remove all that is left of the run."""
        for each in garbage.find(self._client):
            if each.run == self.run:
                garbage.remove(self._client, each)


def _program(spec: ProgramSpec) -> dict[str, Any]:
    """Image, command and environment."""
    argv, environment = list(spec.argv), dict(spec.env)
    image = HELPER_IMAGE if spec.image is None else spec.image
    if argv and argv[0] in _OUR_PYTHONS:
        argv[0] = "python3"
        if image == HELPER_IMAGE:  # programs of ours are played from our own code
            environment["PYTHONPATH"] = _PYTHON_PATH
    options: dict[str, Any] = {"image": image, "environment": environment}
    if argv:
        options["command"] = argv
        options["entrypoint"] = []
    elif spec.arguments:
        options["command"] = list(spec.arguments)
    if spec.directory is not None:
        options["working_dir"] = spec.directory
    return options


def _limits(limits: Mapping[str, float]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "nofile" in limits:
        number = int(limits["nofile"])
        found["ulimits"] = [Ulimit(name="nofile", soft=number, hard=number)]
    if "memory" in limits:
        # Without swap: a program that needs more is to meet its limit, not to become slow.
        found["mem_limit"] = found["memswap_limit"] = int(limits["memory"])
    if "cpu" in limits:
        found["nano_cpus"] = int(limits["cpu"] * 1e9)
    return found


def _pack(files: Mapping[str, str]) -> bytes:
    """An archive of files that every user may read."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in files.items():
            data = text.encode()
            entry = tarfile.TarInfo(name.lstrip("/"))
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _unpack(archive: bytes, into: Path) -> None:
    """The regular files of an archive, and nothing outside of `into`."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for entry in tar:
            parts = PurePosixPath(entry.name).parts[1:]  # the first is the name of the directory
            if not parts or ".." in parts:
                continue
            place = into.joinpath(*parts)
            if entry.isdir():
                place.mkdir(parents=True, exist_ok=True)
            elif entry.isfile() and (file := tar.extractfile(entry)) is not None:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(file.read())
