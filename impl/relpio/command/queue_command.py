"""`relpio queue`: look at a queue on disk, check it, repair it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TextIO

from relpio.errors import ConfigurationError
from relpio.queue.assisted import PARTS
from relpio.queue.files import RealDirectory
from relpio.queue.inspection import Inspection, inspect, repair

__all__ = ["add_parser", "run"]

_NOTES = """\
DIR is the directory of one queue: the spool directory with the file name behind it.

  show    what is in it, quickly; also while it is in use
  verify  reads every message and checks it; changes nothing
  repair  cuts off what is damaged, keeps every message that is whole, and keeps the damaged files
          under names that end in .bad

exit status:
  0  nothing is wrong; or, after repair, nothing was lost
  1  something is damaged; or, after repair, messages are lost
  2  there is no queue in DIR, it is in use, or it cannot be read
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "queue",
        help="show, verify or repair a queue on disk",
        description="Inspect or repair a queue on disk.",
        epilog=_NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=["show", "verify", "repair"])
    parser.add_argument("directory", type=Path, metavar="DIR")


def run(namespace: argparse.Namespace, out: TextIO | None = None) -> int:
    """Run the command and return its exit status."""
    out = sys.stdout if out is None else out
    path: Path = namespace.directory
    try:
        parts = _queues_in(path)
        return max(_run_one(namespace.action, part, out) for part in parts)
    except (ConfigurationError, OSError) as error:
        out.flush()
        sys.stderr.write(f"relpio: {error}\n")
        return 2


def _queues_in(path: Path) -> list[Path]:
    """Return the directories below `path`: two of a disk-assisted queue, else itself."""
    if not path.is_dir():
        raise ConfigurationError(f"{path} is not a directory; name the directory of a queue")
    parts = [path / name for name in PARTS if (path / name).is_dir()]
    return parts or [path]


def _run_one(action: str, path: Path, out: TextIO) -> int:
    directory = RealDirectory(path, create=False, lock=False)
    try:
        found = inspect(directory, read_all=False)
        if found.fresh:
            raise ConfigurationError(f"there is no queue in {path}")
    finally:
        directory.close()
    if action == "repair":
        found = repair(RealDirectory(path, create=False))
    elif action == "verify":
        directory = RealDirectory(path, create=False)
        try:
            found = inspect(directory, read_all=True)
        finally:
            directory.close()
    _show(path, found, out, read=action != "show")
    if action == "show":
        for segment in found.segments:
            numbers = f"{segment.first}-{segment.last}"
            out.write(f"  {segment.name}  {numbers}  {_octets(segment.size)}\n")
    for finding in found.findings:
        out.write(f"  {finding}\n")
    for name in found.set_aside:
        out.write(f"  set aside: {name}\n")
    if action == "repair":
        out.write("  repaired\n" if found.findings else "  nothing to repair\n")
        return 1 if found.lost else 0
    return 1 if found.findings else 0


def _show(path: Path, found: Inspection, out: TextIO, *, read: bool) -> None:
    size = _octets(sum(segment.size for segment in found.segments))
    state = "read and checked" if read else "held"
    out.write(
        f"{path}: {found.held} messages {state}, {len(found.segments)} segments, {size}; "
        f"numbers up to {found.last}, done up to {found.done}\n"
    )
    if found.lost:
        out.write(f"  lost: {found.lost} messages\n")


def _octets(size: int) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if size < 10_000:
            return f"{size} {unit}"
        size //= 1024
    return f"{size} GiB"
