"""Manual pages and completion: made from the parsers, so they know every option."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from relpio.command.commands import all_commands
from relpio.command.main import main

PAGES = ("", "send", "receive", "queue", "check-config", "man", "completion")


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", all_commands(), ids=lambda command: str(command.name))
def test_a_page_has_every_option_that_the_help_has(
    command: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hasattr(command, "options")
    assert hasattr(command, "name")
    page = printed(capsys, "man", command.name)
    assert page.startswith(f".TH RELPIO-{command.name.upper()} 1")
    for option in command.options:
        there = f"\\fB\\-\\-{option.name.replace('-', chr(92) + '-')}\\fR" in page
        assert there == (option.shown and not option.positional), option.name


def test_all_pages_are_written_and_groff_has_nothing_to_say(tmp_path: Path) -> None:
    assert main(["man", "--to", str(tmp_path)]) == 0
    names = {f"relpio-{page}.1" if page else "relpio.1" for page in PAGES}
    assert {path.name for path in tmp_path.iterdir()} == names
    for path in tmp_path.iterdir():
        lines = path.read_text().splitlines()
        known = (".TH", ".SH", ".TP", ".nf", ".fi", ".B")
        assert [
            line for line in lines if line[:1] in (".", "'") and not line.startswith(known)
        ] == []
        if shutil.which("groff") is not None:
            done = subprocess.run(
                ["groff", "-ww", "-man", "-Tutf8", path], capture_output=True, timeout=30
            )
            assert (done.returncode, done.stderr) == (0, b"")


def test_pages_that_are_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["man", "sned"]) == 2
    assert "'sned' has no manual page: use one of send, receive, queue" in capsys.readouterr().err
    assert main(["man", "--to", str(tmp_path / "nowhere")]) == 2
    assert "No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["rec"], ["receive"]),
        (["receive", "--max-sess"], ["--max-sessions", "--max-sessions-per-peer"]),
        (["receive", "--ack", ""], ["received", "written", "synced"]),
        (["send", "--main-queue-t"], None),  # not in the help, and known all the same
        (["queue", "re"], ["repair"]),
        (["receive", "--output", "./mess"], ["./messages"]),
        (["send", "--window", ""], []),
    ],
)
def test_completion(
    typed: list[str],
    expected: list[str] | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "messages").touch()
    script = printed(capsys, "completion", "bash")
    words = " ".join(f'"{word}"' for word in ["relpio", *typed])
    script += f"COMP_WORDS=({words}); COMP_CWORD={len(typed)}; _relpio\n"
    script += 'printf "%s\\n" "${COMPREPLY[@]}"\n'
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=30
    )
    if expected is None:
        assert "--main-queue-type" in done.stdout.split()
    else:
        assert done.stdout.split() == expected
