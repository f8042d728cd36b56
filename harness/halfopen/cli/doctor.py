"""`halfopen doctor`: what this machine can do, what is missing, how to get it."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from halfopen.labs import all_labs
from halfopen.products.libkeepalive import PRODUCT as LIBKEEPALIVE
from halfopen.products.relpio import PRODUCT as RELPIO
from halfopen.products.tools import SEARCH_PATH
from halfopen.vocabulary import default_vocabulary

# What only some scenarios, or only the tests, need: program -> (what for, Debian packages).
_EXTRAS = {
    "busybox": ("scenarios with a statically linked program", "busybox-static"),
    "chromium": ("the test that opens the report in a browser", "chromium"),
    "tcpdump": ("inspecting packets by hand", "tcpdump"),
}


def doctor(
    json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Show what this machine supports, what is missing, and how to install it.

    Exit status 0 if at least one lab works, else 3.
    """
    labs = {name: list(spec.missing()) for name, spec in all_labs().items()}
    lacking = _lacking([name for name, missing in labs.items() if not missing])
    products = _products()
    extras = {name: shutil.which(name, path=SEARCH_PATH) for name in _EXTRAS}
    console = Console()
    if json:
        console.print_json(
            data={
                "kernel": platform.release(),
                "python": platform.python_version(),
                "labs": [
                    {"name": name, "works": not missing, "missing": missing}
                    for name, missing in labs.items()
                ],
                "lacking": [
                    {"lab": name, "faults": faults, "remedy": remedy}
                    for (name, remedy), faults in lacking.items()
                ],
                "products": [
                    {"name": name, "version": version, "install": packages}
                    for name, (version, packages) in products.items()
                ],
                "extras": [
                    {"name": name, "found": path, "packages": _EXTRAS[name][1].split()}
                    for name, path in extras.items()
                ],
            }
        )
    else:
        _print(console, labs, lacking, products, extras)
    raise typer.Exit(0 if any(not missing for missing in labs.values()) else 3)


def _lacking(labs: Sequence[str]) -> dict[tuple[str, str], list[str]]:
    """(lab, what this machine lacks, with its remedy) -> the faults that need it there.

    Args:
        labs: those that work.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for fault in default_vocabulary().faults.values():
        for lab in (all_labs()[name] for name in labs):
            remedies = {
                remedy for verb in lab.verbs.intersection(fault.uses) for remedy in lab.lacks(verb)
            }
            for remedy in sorted(remedies):
                found.setdefault((lab.name, remedy), []).append(fault.name)
    return found


def _products() -> dict[str, tuple[str | None, str]]:
    """Name -> (version found, what to install) of all that systems run and halfopen lacks."""
    specs = (spec.product for spec in default_vocabulary().systems.values())
    known = {
        product.name: product for product in (*specs, LIBKEEPALIVE, RELPIO) if product is not None
    }
    return {name: (known[name].version(), known[name].packages) for name in sorted(known)}


def _print(
    console: Console,
    labs: dict[str, list[str]],
    lacking: dict[tuple[str, str], list[str]],
    products: dict[str, tuple[str | None, str]],
    extras: dict[str, str | None],
) -> None:
    console.print(f"Linux {platform.release()}, Python {platform.python_version()}")
    table = Table("component", "state", "remedy", box=None, pad_edge=False, header_style="bold")

    def add(what: str, state: str, remedy: str) -> None:
        table.add_row(*map(escape, (what, state, remedy)))  # halfopen[kafka] is no markup

    for name, missing in labs.items():
        add(f"lab {name}", "not supported" if missing else "works", "\n".join(missing))
    for (name, remedy), faults in lacking.items():
        add(f"lab {name}", "incomplete", f"for {', '.join(faults)}: {remedy}")
    for name, (version, packages) in products.items():
        remedy = "" if version else f"for scenarios that use it: {packages}"
        add(name, version or "not found", remedy)
    for name, path in extras.items():
        purpose, packages = _EXTRAS[name]
        remedy = "" if path else f"for {purpose}: apt-get install {packages}"
        add(name, "found" if path else "not found", remedy)
    console.print(table)
