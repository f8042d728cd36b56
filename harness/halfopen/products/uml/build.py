"""Builds the kernel into the user's cache: some ten minutes on two processors, without root.

Nothing half-built is ever in the cache under the kernel's name: it is built in a directory beside
it, and renamed.  Two builds at once share one, by a lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from halfopen.errors import UnsupportedError
from halfopen.products.uml import source
from halfopen.products.uml.kernel import built_path, cache

Say = Callable[[str], None]

# Program -> Debian package.  `ar` and `strip` come with the compiler.
_TOOLS = {
    "gcc": "gcc",
    "make": "make",
    "flex": "flex",
    "bison": "bison",
    "bc": "bc",
    "xz": "xz-utils",
    "tar": "tar",
    "patch": "patch",
    "ar": "binutils",
    "strip": "binutils",
    "setpriv": "util-linux",
}
_ROOM = 2_500_000_000
_MEMORY = 700_000_000
_WORK = "building-"

# Two builds of the same source are the same, whoever makes them, and when.
_OF_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")
_REPRODUCIBLE = {
    "KBUILD_BUILD_TIMESTAMP": "2026-01-01",
    "KBUILD_BUILD_USER": "halfopen",
    "KBUILD_BUILD_HOST": "halfopen",
}


def lacking() -> list[str]:
    """What this machine lacks for the build, each with its remedy; empty if nothing."""
    found = [
        f"the program {tool} is missing: install the package {package}"
        for tool, package in _TOOLS.items()
        if shutil.which(tool) is None
    ]
    if not found and not _static_libc():
        found.append("the static C library (libc.a) is missing: install the package libc6-dev")
    return found


def build(say: Say) -> Path:
    """Build the kernel, unless it is built; returns its path.

    Args:
        say: is told what goes on.

    Raises:
        UnsupportedError: if this machine lacks something, or a step fails; with its last words.
    """
    target = built_path()
    if target.is_file():
        return target
    if problems := lacking():
        raise UnsupportedError("\n".join(["the kernel cannot be built here:", *problems]))
    try:
        cache().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnsupportedError(f"the kernel cannot be put into {cache()}: {error}") from None
    with _locked(say):
        if target.is_file():  # another process was faster
            return target
        _check_room()
        for left in cache().glob(f"{_WORK}*"):  # of a build that was killed
            shutil.rmtree(left, ignore_errors=True)
        package = source.fetch(cache(), say)
        with tempfile.TemporaryDirectory(dir=cache(), prefix=_WORK) as work:
            made = _build_in(Path(work), package, say)
            made.rename(target)
        package.unlink()
    return target


def _build_in(work: Path, package: Path, say: Say) -> Path:
    tree = work / "source"
    tree.mkdir()
    log = work / "log"
    say("unpacking it (1.8 GB)")
    _pipe(
        ["ar", "p", str(package), "data.tar.xz"],
        ["tar", "--extract", "--xz", "--to-stdout", "--file=-", source.PACKAGE.archive],
        ["tar", "--extract", "--xz", "--strip-components=1", f"--directory={tree}", "--file=-"],
    )
    _run(["patch", "--strip=1", "--batch", f"--input={source.PATCH}"], tree, log)
    make = ["make", "ARCH=um", f"--jobs={os.cpu_count() or 1}"]
    _run([*make, "tinyconfig"], tree, log)
    merge = ["scripts/kconfig/merge_config.sh", "-m", ".config", str(source.CONFIGURATION)]
    _run(merge, tree, log)
    _run([*make, "olddefconfig"], tree, log)
    if refused := _refused((tree / ".config").read_text()):
        raise UnsupportedError(f"the kernel's configuration lacks {', '.join(refused)}")
    say("compiling 840 files: 5 to 15 minutes")
    _run([*make, "linux"], tree, log)
    _run(["strip", "linux"], tree, log)
    return tree / "linux"


def _refused(configuration: str) -> list[str]:
    """The options of ours that the configuration did not take over."""
    lines = set(configuration.splitlines())
    wanted = source.CONFIGURATION.read_text().splitlines()
    return [line for line in wanted if line.startswith("CONFIG_") and line not in lines]


def _static_libc() -> bool:
    # The compiler answers with the bare name if it does not find the file.
    asked = ["gcc", "-print-file-name=libc.a"]
    done = subprocess.run(asked, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return Path(done.stdout.strip()).is_absolute()


def _check_room() -> None:
    free = shutil.disk_usage(cache()).free
    if free < _ROOM:
        raise UnsupportedError(
            f"the kernel cannot be built: {cache()} has {free / 1e9:.1f} GB of free space, and "
            f"the build needs {_ROOM / 1e9:.1f} GB for a while; make room, or set XDG_CACHE_HOME"
        )
    free = _available_memory()
    if free < _MEMORY:
        raise UnsupportedError(
            f"the kernel cannot be built: {free / 1e6:.0f} MB of memory are available, and the "
            f"build needs {_MEMORY / 1e6:.0f} MB"
        )


def _available_memory() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return _MEMORY


@contextlib.contextmanager
def _locked(say: Say) -> Iterator[None]:
    """The cache is ours; the kernel takes the lock back when this process ends."""
    with (cache() / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another build is under way: waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _environment() -> dict[str, str]:
    """That of a build: of the caller's, but that it may be started by a `make` of its own."""
    kept = {key: value for key, value in os.environ.items() if key not in _OF_MAKE}
    return {**kept, **_REPRODUCIBLE, "LC_ALL": "C"}


def _run(command: list[str], tree: Path, log: Path) -> None:
    """Run a step of the build; its output is kept for what it says if it fails."""
    with log.open("wb") as out:
        done = subprocess.run(
            # A build whose caller is killed goes no further.
            ["setpriv", "--pdeathsig", "KILL", *command],
            cwd=tree,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    if done.returncode:
        words = log.read_text(errors="replace").strip()[-2000:]
        raise UnsupportedError(
            f"the kernel could not be built: {command[0]} ended with {done.returncode}; "
            f"its last words:\n{words}"
        )


def _pipe(*commands: list[str]) -> None:
    """Run commands, each reading what the one before it writes."""
    started: list[subprocess.Popen[bytes]] = []
    feed: int | None = subprocess.DEVNULL
    try:
        for command in commands:
            last = command is commands[-1]
            output = subprocess.DEVNULL if last else subprocess.PIPE
            each = subprocess.Popen(command, stdin=feed, stdout=output, stderr=subprocess.PIPE)
            if started and started[-1].stdout is not None:
                started[-1].stdout.close()  # it is the next one's now
            started.append(each)
            feed = each.stdout.fileno() if each.stdout is not None else None
        for command, each in zip(commands, started, strict=True):
            assert each.stderr is not None
            words = each.stderr.read().decode(errors="replace").strip()
            if each.wait():
                raise UnsupportedError(
                    f"the source of the kernel could not be unpacked: {command[0]}: {words[-500:]}"
                )
    finally:
        for each in started:
            if each.poll() is None:
                each.kill()
                each.wait()
            for stream in (each.stdout, each.stderr):
                if stream is not None:
                    stream.close()
