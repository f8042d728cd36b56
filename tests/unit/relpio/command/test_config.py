"""Options from command line and TOML file: names, tables, lines of errors, who overrides whom."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relpio.command import values
from relpio.command.commands import all_commands
from relpio.command.config import ConfigFile
from relpio.command.main import main
from relpio.command.options import Option, merge
from relpio.command.tomllines import key_lines, line_of
from relpio.errors import ConfigurationError

OPTIONS = (
    Option("name", "", values.text, None, "NAME", "a name"),
    Option("count", "", values.count, "3", "N", "a number"),
    Option("time", "some times", values.duration_or_off, "off", "S", "a time"),
    Option("peer", "tls", values.text, None, "PEER", "a peer", many=True),
    Option("fast", "", values.switch, None, None, "a switch"),
)


def read(path: Path, text: str) -> dict[str, object]:
    path.write_text(text)
    return ConfigFile(path, ["send", "receive"]).values("send", OPTIONS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "relpio.toml"


def test_values_of_all_kinds(path: Path) -> None:
    text = """
[send]
name = 'x'   # a comment
count = 12
fast = true
[send.some-times]
time = 2.5
[send.tls]
peer = ["a", "b"]
[receive]
whatever = 1
"""
    assert read(path, text) == {
        "name": "x", "count": 12, "fast": True, "time": 2.5, "peer": ["a", "b"],
    }  # fmt: skip
    assert read(path, "[send]\ntime = false\npeer = 'a'") == {"time": None, "peer": ["a"]}
    assert read(path, "[send]\ntime = '10min'\n") == {"time": 600.0}
    assert read(path, "") == {}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[send]\nname = 'x'\ncuont = 1\n", 3, "did you mean count"),
        ("[send]\nzzz = 1\n", 2, "relpio send --help"),
        ("[send]\ncount = 0\n", 2, "[send] count: '0': must be a whole number of at least 1"),
        ("[send]\ncount = 1.5\n", 2, "whole number"),
        ("[send]\ncount = [1]\n", 2, "not a list"),
        ("[send]\ncount = {a = 1}\n", 2, "not a table"),
        ("[send]\ncount = 2026-01-01\n", 2, "a string or a number"),
        ("[send]\nfast = 1\n", 2, "true or false"),
        ("[send]\ntime = true\n", 2, "is not a duration"),
        ("[send]\n\n[send.tls]\ntime = 1\n", 4, "belongs in [send.some-times] or [send]"),
        ("[send]\npeer = 'a'\ntls.peer = 'b'\n", 3, "given twice"),
        ("[send]\nname = '''\ncount = 9\n'''\ncount = 'x'", 5, "whole number"),
        ("[send]\npeer = [ # ]\n 'a', \"]\\\"\",\n]\ncount = 'x'", 5, "whole number"),
        ("name = 'x'\n", 1, "put options under [send] or [receive]"),
        ("\n\n[sned]\n", 3, "unknown table 'sned'"),
        ("[send]\nname = x\n", 2, "Invalid value"),
        ("[send]\nname = 'x'\nname = 'y'\n", 3, "overwrite"),
        ("[send]\nname = 'x", 2, "end of document"),
    ],
)
def test_faults_name_file_line_and_what_is_right(
    path: Path, text: str, line: int, words: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read(path, text)
    assert str(raised.value).startswith(f"{path}:{line}: ")
    assert words in str(raised.value)


def test_files_that_are_no_text(path: Path) -> None:
    path.write_bytes(b"[send]\nname = '\xff'\n")
    with pytest.raises(ConfigurationError, match=":2: not UTF-8"):
        ConfigFile(path, ["send"])
    with pytest.raises(ConfigurationError, match="nothing: Not a directory"):
        ConfigFile(path / "nothing", ["send"])


def test_the_command_line_overrides_the_file() -> None:
    merged = merge(OPTIONS, {"count": 5, "time": None}, {"count": 4, "name": "f", "time": 1.0})
    assert vars(merged) == {"name": "f", "count": 5, "time": None, "peer": [], "fast": False}


KEYS = st.sampled_from(["a", "b-1", "'quoted key'", '"c\\"d"', "tt"])
VALUES = st.sampled_from(
    ["1", "'x = 1'", '"[a]"', '"""\nk = 1\n# [t]\\"""" + "', "'''\n[x]\n'''", "[\n 1, # ]\n 2]",
     "{ x = 1, y = [1] }", '"\\\\"', '""', "''''''", '""""a" b"""', "1979-05-27T07:32:00Z"]
)  # fmt: skip


@given(st.lists(st.tuples(st.lists(KEYS, max_size=2), st.lists(st.tuples(KEYS, VALUES)))))
def test_each_key_is_found_on_its_line(
    tables: list[tuple[list[str], list[tuple[str, str]]]],
) -> None:
    text, expected = "", {}
    for table, entries in tables:
        if table:
            text += f"  [ {' . '.join(table)} ] # x\n"
        for key, value in entries:
            line = text.count("\n") + 1
            text += f"{key} = {value}\n\n"
            bare = [next(iter(tomllib.loads(f"{part} = 1"))) for part in (*table, key)]
            expected[tuple(bare)] = line
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # a table or key twice
    lines = key_lines(text)
    if all(table for table, _ in tables):  # else keys of one table belong to the one before
        assert {path: lines[path] for path in expected} == expected
    assert line_of(lines, ("no", "such")) == 1


@given(st.text(alphabet="[]{}=.'\"# \nab\\1", max_size=60))
def test_whatever_is_toml_can_be_scanned(text: str) -> None:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = key_lines(text)
    assert {path[0] for path in lines} == set(data)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


@pytest.mark.parametrize("command", all_commands(), ids=lambda command: str(command.name))
def test_options_of_a_command_have_names_of_their_own(command: object) -> None:
    options = command.options  # type: ignore[attr-defined]
    names = [option.name for option in options]
    assert len(set(names)) == len(names)
    for option in options:
        option.default_value()  # its text is one that it takes itself
        assert option.help


def test_check_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "relpio.toml"
    path.write_text(
        "[send]\ntarget = ['a:1', 'unix:/run/x']\n[send.queue]\nqueue-size = 5\n"
        "[receive]\nlisten = '[::1]:2514'\noutput = 'x'\nkeepalive = false\n"
    )
    assert main(["check-config", str(path)]) == 0
    assert "valid, for send and receive" in capsys.readouterr().out
    path.write_text("[send]\ntarget = 'a:1'\ntls-ca = '/x'\n")
    assert main(["check-config", str(path)]) == 2
    assert "no effect without --tls" in capsys.readouterr().err
    path.write_text("[send]\ntarget = 'a'\n")
    assert main(["check-config", str(path)]) == 2
    assert f"{path}:2: [send] target: address 'a': expected HOST:PORT" in capsys.readouterr().err


def test_all_that_is_wrong_is_said_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "relpio.toml"
    path.write_text("[send]\ntarget = 'a'\nwindw = 3\n[receive]\nlisten = '[::1]:1'\nack = 'no'\n")
    assert main(["check-config", str(path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ", 2)[1] for line in lines] == [f"{path}:{at}" for at in (2, 3, 6)]


def test_a_command_reads_its_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "relpio.toml"
    path.write_text("[send]\ntarget = 'a:1'\nledger = '/no/such/ledger'\n")
    assert main(["send", "--config", str(path)]) == 2
    assert "/no/such/ledger" in capsys.readouterr().err
    assert main(["send", "--config", str(path), "--ledger", "/no/other"]) == 2
    assert "/no/other" in capsys.readouterr().err
    path.write_text("[send]\nwindow = 0\n")
    assert main(["send", "--config", str(path), "--target", "a:1"]) == 2
    assert f"{path}:2: [send] window" in capsys.readouterr().err
    path.write_text("[receive]\n")
    with pytest.raises(SystemExit):
        main(["send", "--config", str(path)])
    assert "--target" in capsys.readouterr().err
