"""The command `halfopen`: puts the subcommands together and turns errors into exit statuses."""

from __future__ import annotations

import io
import sys
from typing import Annotated, NoReturn

import typer

from halfopen import __version__
from halfopen.cli.entry import INTERRUPTED, WORDS
from halfopen.cli.lazy import Commands
from halfopen.errors import HalfopenError
from halfopen.report._text import printable

app = typer.Typer(
    name="halfopen",
    cls=Commands,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},  # of every command
    help=(
        "Put real programs behind a firewall that silently drops idle TCP connections, run a "
        "scenario, and get a verdict: no message lost, file descriptors bounded, dead connections "
        "cleaned up in time.\n\n"
        "Exit status: 0 all as expected; 1 an expectation failed or stayed unknown; 2 invalid "
        "input; 3 not supported on this machine; 130 interrupted (143 by SIGTERM)."
    ),
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"halfopen {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; leaves the process with the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Whatever the locale: a sign that it lacks must not end the command.
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="halfopen")
    except HalfopenError as error:
        for line in str(error).splitlines():
            typer.echo(printable(line), err=True)
        sys.exit(error.exit_status)
    except (KeyboardInterrupt, typer.Abort):
        _end_interrupted()
    except SystemExit as end:
        if end.code == INTERRUPTED:  # what typer makes of a KeyboardInterrupt
            _end_interrupted()
        raise


def _end_interrupted() -> NoReturn:
    typer.echo(WORDS, err=True)
    sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
