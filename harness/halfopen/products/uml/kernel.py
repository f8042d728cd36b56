"""Where the kernel is, and whether it is one that the warp lab can use on this machine."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

from halfopen.products.uml.source import identity

VARIABLE = "HALFOPEN_UML"
"""Of the environment: the path of a kernel to use instead of our own."""

BUILD = "halfopen kernel build"

# What the lab cannot do without: option -> what for.
_WANTED = {
    "UML_TIME_TRAVEL_SUPPORT": "virtual time",
    "UML_SOUND": "the channel by which the lab stops its clock",
    "HOSTFS": "the host's files",
    "NET_NS": "network namespaces",
    "INET_TCP_DIAG": "observation of sockets",
    "NF_CT_NETLINK": "observation of conntrack",
    "NFT_CT": "rules on the state of connections",
}
_TIMEOUT_S = 20.0

SHARED_MEMORY = Path("/dev/shm")
"""Where the memory of a guest is."""

_GUEST_BYTES = 128_000_000  # measured: 89 MB for relpio, it dies with 64 MiB; a JVM needs more


def cache() -> Path:
    """The directory for kernels in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "halfopen" / "kernel"


def built_path() -> Path:
    """Where our own kernel is, once it is built: whole, if it is there at all."""
    return cache() / f"linux-{identity()}"


def kernel_path() -> Path:
    """The kernel that the lab uses, whether it is there or not."""
    given = os.environ.get(VARIABLE)
    return Path(given) if given else built_path()


def missing() -> list[str]:
    """What keeps a kernel from running here, each with its remedy; empty if nothing."""
    if platform.machine() != "x86_64":
        return [f"User-Mode Linux needs an x86-64 processor, and this is {platform.machine()}"]
    path = kernel_path()
    if not path.is_file():
        if os.environ.get(VARIABLE):
            return [f"{VARIABLE}: there is no file {path}; unset it, or name a kernel"]
        return [f"the kernel is not built: run `{BUILD}`"]
    stamp = path.stat()
    found = list(_problems(path, stamp.st_mtime_ns, stamp.st_size))
    return found or _too_little_memory()


def _too_little_memory() -> list[str]:
    """What speaks against a guest whose memory is in /dev/shm; a container may have 64 MB there."""
    if not SHARED_MEMORY.is_dir():
        return []  # its memory is then in /tmp, which is a disk mostly
    free = shutil.disk_usage(SHARED_MEMORY).free
    if free >= _GUEST_BYTES:
        return []
    return [
        f"{SHARED_MEMORY} has {free / 1e6:.0f} MB of free space, and each guest needs "
        f"{_GUEST_BYTES / 1e6:.0f} MB there: make it larger (`mount -o remount,size=1G "
        f"{SHARED_MEMORY}`, `docker run --shm-size=1g`)"
    ]


@lru_cache(maxsize=8)
def _problems(path: Path, _modified: int, _size: int) -> tuple[str, ...]:
    remedy = f"run `{BUILD}`" + (f" and unset {VARIABLE}" if os.environ.get(VARIABLE) else "")
    options = _configuration(path)
    if options is None:
        return (f"{path} is not a User-Mode Linux kernel: {remedy}",)
    for option, purpose in _WANTED.items():
        if not re.search(rf"^CONFIG_{option}=y$", options, re.MULTILINE):
            return (f"{path} was built without CONFIG_{option} ({purpose}): {remedy}",)
    said = try_to_boot(path)
    return () if said is None else (f"{path} does not run on this machine: {said}",)


def _configuration(path: Path) -> str | None:
    """What a kernel says that it was built with; None if it is no kernel."""
    said = _run([str(path), "--showconfig"])
    return said if said is not None and "CONFIG_UML=y" in said else None


def release(path: Path) -> str:
    """The version of a kernel: `7.2.13-halfopen`; `unknown` if it does not say."""
    said = _run([str(path), "--version"])
    return said.strip().splitlines()[-1] if said and said.strip() else "unknown"


def ticks(path: Path) -> int:
    """CONFIG_HZ of a kernel; 0 if it does not say."""
    found = re.search(r"^CONFIG_HZ=(\d+)$", _run([str(path), "--showconfig"]) or "", re.MULTILINE)
    return int(found[1]) if found else 0


def try_to_boot(path: Path) -> str | None:
    """Boot a kernel as far as its first process; returns why that fails, None if it does not.

    The first process is a program that is not there: the kernel says so, panics, and ends.
    """
    root = ["root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "mem=64M"]
    rest = ["init=/halfopen/none", "panic=-1", "time-travel=inf-cpu", "seccomp=auto", "con=null"]
    with tempfile.TemporaryDirectory(prefix="halfopen-") as directory:
        said = _run([str(path), *root, *rest, "con0=null,fd:1", f"uml_dir={directory}/"])
    if said is None:
        return f"it did not end within {_TIMEOUT_S:.0f} s"
    if "/halfopen/none" in said:
        return None
    lines = [line for line in said.splitlines() if line.strip()]
    return (
        f"{lines[-1].strip() if lines else 'it says nothing'}; it needs ptrace or seccomp, which a "
        "container may forbid, and room in /dev/shm for the memory of its guest"
    )


def _run(command: list[str]) -> str | None:
    """What a command says, on both streams; None if it cannot be run, or does not end."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace")
