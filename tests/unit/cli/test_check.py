"""`halfopen check`: saved histories, also beside others that cannot be read, in any locale."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from halfopen.cli.check import check
from halfopen.errors import InputError
from halfopen.model.history import FILE_NAME, History, read_history
from halfopen.model.recording import HistoryWriter

from ..report.incident import all_variants


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A directory with two histories, and between them one that is damaged."""
    for name, (_, history) in zip(("a", "c"), all_variants(), strict=False):
        (tmp_path / name).mkdir()
        with HistoryWriter(tmp_path / name, history.header) as writer:
            for record in history.records[1:]:
                writer.write(record)
    (tmp_path / "b").mkdir()
    lines = (tmp_path / "a" / FILE_NAME).read_text().splitlines()
    damaged = [lines[0], '{"t": 1.0, "kind": "sockets", "host": "sender"}', *lines[1:]]
    (tmp_path / "b" / FILE_NAME).write_text("\n".join(damaged))
    return tmp_path


def halfopen(
    *words: str, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "halfopen", *words]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, check=False
    )


def test_one_unreadable_history_hides_no_other(runs: Path) -> None:
    done = halfopen("check", ".", "--json", "r.json", "--junit", "r.xml", cwd=runs)
    complaint = "b/history.jsonl:2: record 'sockets': field 'sockets' is missing\n"
    assert done.stderr.decode() == complaint
    assert done.returncode == 2
    results = json.loads((runs / "r.json").read_text())["results"]
    assert [result["directory"] for result in results] == ["a", "c"]
    assert (runs / "r.xml").exists()
    assert (runs / "report.html").exists()
    page = halfopen("page", ".", "--table", "table.md", cwd=runs)
    assert (page.returncode, page.stderr.decode()) == (2, complaint)
    assert (runs / "table.md").exists()


def test_nothing_but_unreadable_histories_is_an_error(runs: Path) -> None:
    done = halfopen("check", "b", cwd=runs)
    assert done.returncode == 2
    assert b"b/history.jsonl:2: record 'sockets'" in done.stderr
    assert done.stdout == b""


def test_results_on_standard_output_are_nothing_but_results(runs: Path) -> None:
    done = halfopen("check", "a", "--json", "-", "--no-report", cwd=runs)
    assert len(json.loads(done.stdout)["results"]) == 1
    assert b"netns" in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "euc-jp", "utf-8"])
def test_files_are_utf_8_whatever_the_locale(runs: Path, encoding: str) -> None:
    title = "\u00e9\u2713\u65e5"
    path = runs / "a" / FILE_NAME
    first, rest = path.read_text(encoding="utf-8").split("\n", 1)
    path.write_text(json.dumps({**json.loads(first), "scenario": title}) + "\n" + rest)
    # Python takes the C locale for UTF-8 unless told not to.
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    words = ("check", ".", "--json", "r.json", "--junit", "r.xml")
    done = halfopen(*words, cwd=runs, env={**env, "PYTHONIOENCODING": encoding})
    assert b"Traceback" not in done.stderr
    assert done.returncode == 2
    assert title.encode(encoding, "backslashreplace") in done.stdout
    results = json.loads((runs / "r.json").read_bytes().decode("utf-8"))["results"]
    assert results[0]["scenario"] == title
    assert title in (runs / "r.xml").read_bytes().decode("utf-8")


def test_each_history_is_read_once_also_for_the_report(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def counted(directory: Path) -> History:
        read.append(directory)
        return read_history(directory)

    monkeypatch.setattr("halfopen.cli.check.read_history", counted)
    monkeypatch.setattr("halfopen.cli.run.read_history", counted)
    with pytest.raises(InputError):  # one of them is damaged
        check(runs, report=True)
    assert read == [runs / "a", runs / "b", runs / "c"]
    assert (runs / "report.html").exists()


def test_saved_runs_are_compared_and_a_damaged_one_is_told(runs: Path) -> None:
    done = halfopen("compare", "a", "a", cwd=runs)
    assert (done.returncode, done.stdout.decode()) == (0, "1 variant: 1 same\n")
    done = halfopen("compare", "a", "c", cwd=runs)
    assert done.returncode == 1
    assert done.stdout.decode().splitlines()[-1] == "2 variants: 1 gone, 1 new"
    done = halfopen("compare", "a", ".", cwd=runs)
    assert done.returncode == 2
    assert done.stderr.decode().startswith("b/history.jsonl:2: record 'sockets'")
