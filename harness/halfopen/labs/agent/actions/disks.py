"""The disk of a host gets full, slow or read-only.

Full: the disk is a tmpfs of the sandbox's own, whose size is cut to what is in it.  It is copied
back at the end, so that its files are there after the run.

Slow and read-only: the programs see the disk through a file system of ours
(:mod:`halfopen.guests.weak_disk`), in a mount namespace of their own.
"""

from __future__ import annotations

import asyncio
import ctypes.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from halfopen.errors import LabError
from halfopen.labs.agent.actions._action import Action, ActionContext
from halfopen.labs.agent.environment import LaunchEnvironment
from halfopen.model.effects import NOTHING, Touched
from halfopen.verbs import FillDisk, SetDiskReadOnly, SlowDisk

_FULL_SIZE = 1 << 30  # bytes that the tmpfs takes at most; it uses memory only for what is in it
_ATTEMPTS = 10
_SOURCE = "halfopen-disk"
_KEPT = "weak disk"
_MOUNT_S = 20.0


def lacks_library() -> Sequence[str]:
    """The library that a file system of our own needs, if it is not there."""
    if ctypes.util.find_library("fuse3") is None and ctypes.util.find_library("fuse") is None:
        return ["libfuse is missing: install the package libfuse3-3 (libfuse3-4 from Debian 13)"]
    return []


def lacks_fuse() -> Sequence[str]:
    """What a file system of our own needs and is not there."""
    missing = [*lacks_library()]
    if not Path("/dev/fuse").exists():
        missing.append("/dev/fuse does not exist: the kernel needs CONFIG_FUSE_FS (modprobe fuse)")
    elif not os.access("/dev/fuse", os.R_OK | os.W_OK):
        missing.append("ordinary users may not open /dev/fuse: chmod 666 /dev/fuse, or run as root")
    return missing


async def prepare(host: str, verbs: Collection[str], context: ActionContext) -> LaunchEnvironment:
    """Mount what the verbs that will come need."""
    disk = context.disk(host)
    disk.mkdir(parents=True, exist_ok=True)
    found = LaunchEnvironment()
    if FillDisk.__name__ in verbs:
        found |= await asyncio.to_thread(_make_tmpfs, disk)
    if {SlowDisk.__name__, SetDiskReadOnly.__name__} & set(verbs):
        found |= await _mount_weak(host, disk, context)
    return found


def _make_tmpfs(disk: Path) -> LaunchEnvironment:
    beneath = os.open(disk, os.O_PATH | os.O_DIRECTORY)
    _mount("-t", "tmpfs", "-o", f"mode=755,size={_FULL_SIZE}", _SOURCE, str(disk))

    def bring_back() -> None:
        shutil.copytree(
            disk,
            f"/proc/self/fd/{beneath}",
            dirs_exist_ok=True,
            symlinks=True,
            ignore=lambda where, names: [n for n in names if _no_file(Path(where) / n)],
        )

    return LaunchEnvironment(finish=(bring_back,))


def _no_file(path: Path) -> bool:
    """True for sockets and the like, which nobody could read afterwards."""
    return not (path.is_file() or path.is_dir() or path.is_symlink())


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise LabError(f"mount {' '.join(arguments)}: {done.stderr.strip()}")


async def _mount_weak(host: str, disk: Path, context: ActionContext) -> LaunchEnvironment:
    context.directory(host).mkdir(parents=True, exist_ok=True)
    with (context.directory(host) / "weak-disk.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "unshare",
            "--mount",
            sys.executable,
            "-m",
            "halfopen.guests.weak_disk",
            str(disk),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    context.kept[(_KEPT, host)] = process
    await _answer(process, host)
    return LaunchEnvironment(mounts=f"/proc/{process.pid}/ns/mnt")


async def _answer(process: asyncio.subprocess.Process, host: str) -> Any:
    assert process.stdout is not None
    async with asyncio.timeout(_MOUNT_S):
        line = await process.stdout.readline()
    answer = json.loads(line) if line else {}
    if "event" not in answer:
        raise LabError(f"the weak disk of {host} has ended; see weak-disk.log")
    return answer


async def _order(host: str, context: ActionContext, order: str) -> Any:
    process: asyncio.subprocess.Process = context.kept[(_KEPT, host)]
    assert process.stdin is not None
    process.stdin.write(order.encode() + b"\n")
    await process.stdin.drain()
    return await _answer(process, host)


async def fill_disk(verb: FillDisk, context: ActionContext) -> Touched:
    """Cut the tmpfs to what is in it and `free` bytes more; or give it its size back."""
    disk = context.disk(verb.host)
    before = _free(disk)
    for attempt in reversed(range(_ATTEMPTS)):
        size = _FULL_SIZE if verb.free is None else _size_with(disk, verb.free)
        # mount(8) would repeat the options that are in force: `uid=` among them, with a number
        # that an ordinary user's namespace does not know.
        only_ours = ("--options-source", "disable", "-o", f"remount,size={size}")
        try:
            await asyncio.to_thread(_mount, *only_ours, _SOURCE, str(disk))
        except LabError:
            # The kernel refuses less than is in use, and a program may have written meanwhile.
            if not attempt:
                raise
        else:
            break
    taken = 0 if verb.free is None else max(0, before - _free(disk))
    return Touched({"bytes": taken})


def _free(disk: Path) -> int:
    status = os.statvfs(disk)
    return status.f_bfree * status.f_frsize


def _size_with(disk: Path, free: int) -> int:
    """Size in bytes of a tmpfs with its present contents and `free` bytes more."""
    status = os.statvfs(disk)
    used = (status.f_blocks - status.f_bfree) * status.f_frsize
    return max(status.f_frsize, used + free)  # a size of 0 would be no limit at all (tmpfs(5))


async def slow_disk(verb: SlowDisk, context: ActionContext) -> Touched:
    """From the next write on."""
    await _order(verb.host, context, f"delay {verb.by}")
    return NOTHING


async def delayed(verb: SlowDisk, context: ActionContext) -> Touched:
    """Calls that took longer."""
    return await _calls(verb.host, context, "delayed")


async def protect_disk(verb: SetDiskReadOnly, context: ActionContext) -> Touched:
    """From the next change on."""
    await _order(verb.host, context, f"writable {'no' if verb.read_only else 'yes'}")
    return NOTHING


async def refused(verb: SetDiskReadOnly, context: ActionContext) -> Touched:
    """Calls that failed with EROFS."""
    return await _calls(verb.host, context, "refused")


async def _calls(host: str, context: ActionContext, which: str) -> Touched:
    answer = await _order(host, context, f"count {which}")
    return Touched({"calls": int(answer["calls"])})


ACTIONS = (
    Action(FillDisk, fill_disk, prepare=prepare),
    Action(SlowDisk, slow_disk, lacks_fuse, prepare, delayed),
    Action(SetDiskReadOnly, protect_disk, lacks_fuse, prepare, refused),
)
