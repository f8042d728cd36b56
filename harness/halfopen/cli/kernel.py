"""`halfopen kernel`: the kernel of the warp lab."""

from __future__ import annotations

import platform
from typing import Annotated

import typer

from halfopen.advice.timer_page import timer_page
from halfopen.advice.timer_table import measured_rows, short_rows
from halfopen.errors import UnsupportedError
from halfopen.kernel.timers import machine_hz
from halfopen.labs import lab_named
from halfopen.ports import LabSpec
from halfopen.products.uml import kernel as uml
from halfopen.products.uml import source
from halfopen.products.uml.build import build as build_kernel
from halfopen.products.uml.build import lacking

app = typer.Typer(
    name="kernel",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The kernel of the warp lab: User-Mode Linux on virtual time.",
)


@app.command()
def build() -> None:
    """Build the kernel, unless it is built: 5 to 15 minutes, 2.5 GB for a while, no root.

    It is built from Debian's source of Linux, whose checksum is known, into the user's cache.
    It needs gcc, make, flex, bison, bc, xz and patch.
    """
    path = build_kernel(lambda text: typer.echo(text, err=True))
    typer.echo(path)


@app.command()
def path() -> None:
    """Print the path of the kernel that the lab uses; exit status 3 if there is none."""
    found = uml.kernel_path()
    if not found.is_file():
        raise UnsupportedError("\n".join(uml.missing()))
    typer.echo(found)


@app.command()
def show() -> None:
    """Show the kernel, what it is built from, and what is missing; exit status 3 if it is."""
    found = uml.kernel_path()
    state = uml.release(found) if found.is_file() else "not there"
    typer.echo(f"kernel: {found} ({state})")
    typer.echo(f"source: {source.PACKAGE.file}, SHA-256 {source.PACKAGE.sha256}")
    typer.echo(f"configuration: {source.CONFIGURATION}")
    typer.echo(f"patch: {source.PATCH}")
    problems = uml.missing()
    for problem in [*problems, *(lacking() if problems else ())]:
        typer.echo(f"missing: {problem}")
    raise typer.Exit(3 if problems else 0)


@app.command()
def timers(
    real: Annotated[
        bool,
        typer.Option("--real", help="Also measure short ones in real time: half a minute."),
    ] = False,
) -> None:
    """Measure TCP's and conntrack's timers on virtual time, and print them as Markdown.

    Beside each is what `halfopen advise` calculates with. Exit status 1 if one differs from that.
    """
    spec = _working("warp")
    assert spec.kernel is not None
    kernel = spec.kernel()
    rows, back_offs = measured_rows(spec, kernel.hz)
    agree = [row.agrees for row in rows] + [each.agrees for each in back_offs]
    beside = None
    if real:
        ticks = machine_hz()
        short = short_rows(_working("netns"), ticks)
        beside = (platform.release(), ticks, short)
        agree += [each.agrees for each in short]
    typer.echo(timer_page(kernel.release, kernel.hz, rows, back_offs, beside), nl=False)
    raise typer.Exit(0 if all(agree) else 1)


def _working(name: str) -> LabSpec:
    """A lab that works here.

    Raises:
        UnsupportedError: if it does not.
    """
    spec = lab_named(name)
    if problems := spec.missing():
        raise UnsupportedError(
            "\n".join([f"the lab {name} is not supported on this machine:", *problems])
        )
    return spec
