"""A command starts without what only others need."""

from __future__ import annotations

import subprocess
import sys

import pytest

from relpio.command.commands import NAMES, all_commands, load_command
from relpio.command.main import main

_SLOW = ("tomllib", "tempfile", "gzip", "difflib")
_LOADED = """
import contextlib, sys
from relpio.command.main import main
with contextlib.suppress(SystemExit):
    main(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("send", ("relpio.receiver.receiver", "relpio.command.outputs")),
        ("receive", ("relpio.sender.sender", "relpio.queue.disk", "relpio.inputs")),
    ],
)
def test_a_command_loads_nothing_of_the_other(name: str, others: tuple[str, ...]) -> None:
    command = [sys.executable, "-c", _LOADED, name, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stderr.split())
    assert f"usage: relpio {name} " in done.stdout
    assert f"relpio.command.{name}" in loaded
    assert loaded.isdisjoint([*others, *_SLOW])


def test_the_help_still_lists_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    for name in (*NAMES, "queue", "check-config", "man", "completion"):
        assert f"\n    {name}" in said


def test_a_command_has_the_name_that_it_is_loaded_by() -> None:
    assert [command.name for command in all_commands()] == list(NAMES)
    assert load_command("send").name == "send"
