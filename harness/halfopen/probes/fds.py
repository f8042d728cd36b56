"""File descriptors of processes, counted by kind.  Source: proc_pid_fd(5)."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from halfopen.model.records import FdsRecord
from halfopen.probes.cpu import waited
from halfopen.probes.processes import family
from halfopen.probes.procfs import process_times, read_text

_SOCKET = re.compile(r"socket:\[(\d+)\]")


@dataclass(frozen=True)
class _Process:
    program: str
    pid: int
    targets: tuple[str, ...]
    soft_limit: int
    cpu_s: float
    waited_s: float | None


class FdProbe:
    """Reads the descriptors of the programs of one host and of their descendants.

    Args:
        host: name of the host, for the records.
    """

    def __init__(self, host: str) -> None:
        self._host = host

    def read(self, programs: Mapping[str, int]) -> list[_Process]:
        """What every process has open now; a process that is gone is passed over.

        Args:
            programs: name -> pid of each program's first process.
        """
        found = []
        for name, pid in programs.items():
            for member in family(pid):
                try:
                    targets = open_files(member)
                    limit = _soft_limit(member)
                    on_cpu = process_times(member).cpu_s
                except OSError:
                    continue
                found.append(_Process(name, member, targets, limit, on_cpu, waited(member)))
        return found

    def owners(self, processes: list[_Process]) -> dict[int, int]:
        """Socket inode -> pid."""
        return {
            int(match[1]): process.pid
            for process in processes
            for target in process.targets
            if (match := _SOCKET.fullmatch(target))
        }

    def count(self, processes: list[_Process], kinds: Mapping[int, str]) -> list[FdsRecord]:
        """A sample of each process.

        Args:
            processes: from :meth:`read`.
            kinds: socket inode -> `tcp` or `listen`.
        """
        unix: set[int] | None = None
        samples = []
        for process in processes:
            counts: Counter[str] = Counter()
            for target in process.targets:
                if match := _SOCKET.fullmatch(target):
                    inode = int(match[1])
                    kind = kinds.get(inode)
                    if kind is None:
                        unix = _unix_inodes() if unix is None else unix
                        # A socket in no table: UDP, netlink, or TCP that is closed by now.
                        kind = "unix" if inode in unix else "socket"
                    counts[kind] += 1
                elif target.startswith("pipe:"):
                    counts["pipe"] += 1
                elif target.startswith("/"):
                    counts["file"] += 1
                else:
                    counts["other"] += 1
            sample = FdsRecord(
                kind="fds",
                host=self._host,
                process=process.program,
                pid=process.pid,
                counts=dict(sorted(counts.items())),
                limit=process.soft_limit,
                cpu_s=round(process.cpu_s, 2),
            )
            if process.waited_s is not None:
                sample["waited_s"] = round(process.waited_s, 3)
            samples.append(sample)
        return samples


def socket_inodes(pid: int) -> set[int]:
    """The inodes of all sockets that a process, or a descendant, holds; none if it is gone."""
    found: set[int] = set()
    for member in family(pid):
        with contextlib.suppress(OSError):
            matches = map(_SOCKET.fullmatch, open_files(member))
            found |= {int(match[1]) for match in matches if match}
    return found


def open_files(pid: int) -> tuple[str, ...]:
    """What the descriptors of a process stand for: paths, `socket:[INODE]`, `pipe:[INODE]`, ...

    Raises:
        OSError: if it is gone, or not ours to look at.
    """
    found = []
    directory = f"/proc/{pid}/fd"
    for entry in os.listdir(directory):  # noqa: PTH208 - names only, four times a second
        try:
            found.append(os.readlink(f"{directory}/{entry}"))  # noqa: PTH115 - no path, `socket:[n]`
        except FileNotFoundError:
            continue  # closed meanwhile
    return tuple(found)


def _soft_limit(pid: int) -> int:
    """RLIMIT_NOFILE; prlimit(2) would tell only those who may set it."""
    for line in read_text(f"/proc/{pid}/limits").splitlines():
        if line.startswith("Max open files"):
            soft = line.split()[3]
            return int(soft) if soft.isdigit() else sys.maxsize
    raise ProcessLookupError(pid)


def _unix_inodes() -> set[int]:
    """Inodes of the Unix sockets of the calling thread's namespace; proc_net(5)."""
    lines = read_text("/proc/thread-self/net/unix").splitlines()[1:]
    return {int(line.split()[6]) for line in lines}
