"""`halfopen kernel`: the kernel of the warp lab."""

from __future__ import annotations

import typer

from halfopen.errors import UnsupportedError
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
