"""Every command of the tutorials is run, in their order, and prints what they show."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from halfopen.products.libkeepalive import library

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

TUTORIALS = Path(__file__).parents[2] / "docs" / "tutorials"
PAGES = sorted(TUTORIALS.glob("*.md"))
_BLOCK = re.compile(r"```(?:\w+ title=\"(?P<file>[^\"]+)\"|console)\n(?P<text>.*?)```", re.DOTALL)
_STATUS = re.compile(r"\(exit status (\d+)\)")


def commands(block: str) -> Iterator[tuple[str, int, Sequence[str]]]:
    """Each command of a block: its words, its exit status, and the lines that are shown."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *shown = part.rstrip("\n").splitlines()
        status = 0
        if shown and (found := _STATUS.fullmatch(shown[-1])):
            status = int(found[1])
            shown = shown[:-1]
        yield command, status, shown


def missing(shown: Sequence[str], said: str) -> list[str]:
    """Lines that are shown and were not said, in this order; `...` stands for anything."""
    lines = iter([" ".join(line.split()) for line in said.splitlines()])
    lacking = []
    for line in shown:
        beginning, dots, _ = " ".join(line.split()).partition("...")
        if not beginning:
            continue
        if not any(each.startswith(beginning) if dots else each == beginning for each in lines):
            lacking.append(line)
    return lacking


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_prints_what_is_shown(tmp_path: Path, page: Path) -> None:
    if library() is None and page.stem == "own-program":
        pytest.skip("libkeepalive is not installed: `halfopen doctor` says how")
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HALFOPEN_LATE_RETRIES": "2",
    }
    ran = 0
    for block in _BLOCK.finditer(page.read_text()):
        if block["file"]:
            path = tmp_path / block["file"]
            path.parent.mkdir(exist_ok=True)
            path.write_text(block["text"])
            continue
        for command, status, shown in commands(block["text"]):
            done = subprocess.run(
                ["sh", "-c", command],
                cwd=tmp_path,
                env=env,
                capture_output=True,
                text=True,
                timeout=200,
            )
            said = done.stderr + done.stdout
            assert done.returncode == status, f"{command}\n{said}"
            assert not missing(shown, said), f"{command}\n{said}"
            ran += 1
    assert ran >= 2


def test_a_line_that_was_not_said_is_missing() -> None:
    said = "one\ntwo 2 s\nthree"
    assert missing(["one", "...", "two ...", "three"], said) == []
    assert missing(["one", "four"], said) == ["four"]
    assert missing(["three", "one"], said) == ["one"]
