"""`halfopen clean`: remove what killed runs left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from halfopen.errors import UnsupportedError, UsageError
from halfopen.model.units import count
from halfopen.optional import DOCKER

if TYPE_CHECKING:
    from halfopen.labs.docker.garbage import Leftover


def clean(
    run: Annotated[
        list[str] | None,
        typer.Option(
            help="Also this run, even if its process is alive or unknown; can be repeated."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list them.")] = False,
) -> None:
    """Remove the containers and volumes of runs whose process is gone.

    Only containers and volumes with halfopen's label are considered.  Runs that are still active
    are kept, and so are those of other machines, whose processes cannot be seen here, unless --run
    names them.  Namespaces need no cleaning up: the kernel removes them.
    """
    if lacking := DOCKER.missing():
        raise UnsupportedError(lacking[0])
    # The Docker SDK takes longer to import than everything else.
    from halfopen.labs.docker import engine, garbage

    client = engine.connect()
    try:
        with engine.translate_engine_errors("remove what killed runs left"):
            found = garbage.find(client)
            known = {each.run for each in found}
            if unknown := set(run or ()) - known:
                there = f"left behind are: {', '.join(sorted(known))}" if known else "none is left"
                raise UsageError(f"--run: unknown run {', '.join(sorted(unknown))}; {there}")
            _say(f"{_count(found)} of {count(len(found), 'run')}")
            for each in found:
                dead = each.owner == "dead" or each.run in (run or ())
                todo = "" if not dead else "would be removed, " if dry_run else "removed, "
                _say(
                    f"  {each.run}: {_count([each])}, {each.running} running: "
                    f"{todo}{_fate(each, dead)}"
                )
                for name in (*each.containers, *each.volumes) if dead else ():
                    _say(f"    {name}")
                if dead and not dry_run:
                    garbage.remove(client, each)
            if not dry_run:
                left = garbage.find(client)
                _say(f"kept: {_count(left)} of {count(len(left), 'run')}")
    finally:
        client.close()


def _say(text: str) -> None:
    typer.echo(text)


def _count(found: list[Leftover]) -> str:
    containers = sum(len(each.containers) for each in found)
    volumes = sum(len(each.volumes) for each in found)
    return f"{count(containers, 'container')} and {count(volumes, 'volume')}"


def _fate(each: Leftover, dead: bool) -> str:
    if dead:
        return "its process is gone" if each.owner == "dead" else "named with --run"
    if each.owner == "alive":
        return "kept, still running"
    return f"kept, its process is on {each.where}; remove it with --run {each.run}"
