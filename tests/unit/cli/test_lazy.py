"""Commands are loaded when they run, and listed without."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from halfopen.cli.lazy import COMMANDS, loaded
from halfopen.cli.main import app


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_command_says_of_itself(name: str) -> None:
    told = loaded(name).help
    assert told is not None
    whole = " ".join(told.split())
    begin, _, _ = COMMANDS[name].rstrip(".").partition(";")
    assert whole.startswith(begin.partition(",")[0]), whole


def test_the_list_fits_on_80_columns() -> None:
    listed = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80"}).output
    for name, said in COMMANDS.items():
        assert any(line.split() == [name, *said.split()] for line in listed.splitlines()), name


@pytest.mark.parametrize(
    "words", [["-h"], ["run", "-h"], ["kernel", "-h"], ["kernel", "show", "-h"]]
)
def test_each_command_has_the_short_option_for_help(words: list[str]) -> None:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0
    assert done.output.strip().startswith("Usage: ")
    assert "-h, --help" in done.output


def test_an_unknown_command_is_told_the_nearest() -> None:
    done = CliRunner().invoke(app, ["rum"])
    assert (done.exit_code, "Did you mean 'run'?" in done.output) == (2, True)


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_what_runs_no_command_loads_none(word: str) -> None:
    script = (
        "import sys, contextlib\n"
        "from halfopen.cli.main import main\n"
        f"sys.argv = ['halfopen', {word!r}]\n"
        "with contextlib.suppress(SystemExit):\n"
        "    main()\n"
        "print([m for m in ('pydantic', 'jinja2', 'ruamel.yaml', 'asyncio') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
