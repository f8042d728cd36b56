"""`halfopen advise --config`: exit statuses and formats."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.lab.scenarios import told

UNSAFE = 'input(type="imptcp" port="514")\n'
SAFE = 'input(type="imptcp" port="601" keepalive="on" keepalive.time="60")\n'
OPEN = 'input(type="imtcp" port="602")\n'


def advise(cwd: Path, text: str, *words: str) -> subprocess.CompletedProcess[str]:
    (cwd / "rsyslog.conf").write_text(text)
    return told("advise", "--firewall", "azure-lb", "--config", "rsyslog.conf", *words, cwd=cwd)


def test_an_unsafe_connection_is_1_with_the_line_to_write(tmp_path: Path) -> None:
    done = advise(tmp_path, SAFE + UNSAFE)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("rsyslog.conf:1: SAFE: listener 601 (imptcp): keepalive 60/75/9")
    assert lines[1].startswith("rsyslog.conf:2: UNSAFE: listener 514 (imptcp): keepalive off")
    assert '-input(type="imptcp" port="514")' in lines
    assert (
        '+input(type="imptcp" port="514" keepalive="on" keepalive.time="120" '
        'keepalive.interval="60" keepalive.probes="9")'
    ) in lines
    assert lines[-1] == "2 connections: 1 safe, 1 unsafe"


def test_the_diff_can_be_applied(tmp_path: Path) -> None:
    done = advise(tmp_path, SAFE + UNSAFE + SAFE)
    patched = subprocess.run(
        ["git", "apply", "-p0"],
        cwd=tmp_path,
        input=done.stdout,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert patched.returncode == 0, patched
    assert advise(tmp_path, (tmp_path / "rsyslog.conf").read_text()).returncode == 0


def test_safe_is_0_and_what_is_not_judged_is_a_warning(tmp_path: Path) -> None:
    done = advise(tmp_path, SAFE)
    assert (done.returncode, done.stderr) == (0, "")
    done = advise(tmp_path, SAFE + OPEN)
    assert done.returncode == 0
    assert "rsyslog.conf:2: NOT JUDGED: listener 602 (imtcp)" in done.stdout
    assert done.stderr == "warning: 1 connection was not judged\n"
    done = advise(tmp_path, "*.* /var/log/all\n")
    assert done.returncode == 0
    assert "rsyslog.conf: no TCP connection to another machine" in done.stdout


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        ("\ninput(port=1)", "", "rsyslog.conf:2: cannot read the parameters of input()"),
        (SAFE, "--config missing.conf", "missing.conf:1: cannot read it"),
        (SAFE, "--keepalive on", "leave out --keepalive, --user-timeout and --prove"),
        (SAFE, "--json --format text", "use one of them"),
        (SAFE, "--format html", "'html' is not one of"),
    ],
)
def test_bad_input_is_2(tmp_path: Path, text: str, words: str, message: str) -> None:
    done = advise(tmp_path, text, *shlex.split(words))
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_sarif_needs_files(tmp_path: Path) -> None:
    done = told("advise", "--firewall", "350", "--format", "sarif", cwd=tmp_path)
    assert done.returncode == 2
    assert "--format sarif needs --config; use text or json" in done.stderr


def test_json_has_every_connection(tmp_path: Path) -> None:
    done = advise(tmp_path, SAFE + UNSAFE + OPEN, "--json")
    found = json.loads(done.stdout)
    assert found["safe"] is False
    assert [(each["line"], each["survival"]) for each in found["connections"]] == [
        (1, "safe"), (2, "unsafe"), (3, "not judged"),
    ]  # fmt: skip
    assert found["connections"][1]["advice"]["suggestion"]["keepalive"]["idle_s"] == 120
    assert json.loads(advise(tmp_path, SAFE, "--format", "json").stdout)["safe"] is True


def test_the_guide_names_every_key_of_the_json(tmp_path: Path) -> None:
    found = json.loads(advise(tmp_path, UNSAFE, "--json").stdout)
    keys = {*found, *found["connections"][0]}
    guide = (Path(__file__).parents[3] / "docs" / "advise.md").read_text()
    assert not [key for key in keys if f"`{key}`" not in guide]


def test_sarif_has_a_result_for_each_unsafe_connection(tmp_path: Path) -> None:
    done = advise(tmp_path, SAFE + UNSAFE + OPEN, "--format", "sarif")
    assert done.returncode == 1
    log = json.loads(done.stdout)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    (result,) = run["results"]
    rules = run["tool"]["driver"]["rules"]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    (place,) = result["locations"]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "rsyslog.conf"}, "region": {"startLine": 2},
    }  # fmt: skip
    ((change,),) = [each["artifactChanges"] for each in result["fixes"]]
    text = SAFE + UNSAFE + OPEN
    for each in reversed(change["replacements"]):
        region, new = each["deletedRegion"], each["insertedContent"]["text"]
        start = region["charOffset"]
        text = text[:start] + new + text[start + region["charLength"] :]
    assert 'port="514" keepalive="on"' in text
    (run,) = json.loads(advise(tmp_path, SAFE, "--format", "sarif").stdout)["runs"]
    assert run["results"] == []


def test_github_annotates_what_is_unsafe_and_what_is_not_judged(tmp_path: Path) -> None:
    done = advise(tmp_path, SAFE + UNSAFE + OPEN, "--format", "github")
    unsafe, unknown = done.stdout.splitlines()
    assert unsafe.startswith("::error file=rsyslog.conf,line=2::listener 514 (imptcp): unsafe")
    assert '%0Awrite instead:%0Ainput(type="imptcp" port="514" keepalive="on"' in unsafe
    assert unknown.startswith(
        "::warning file=rsyslog.conf,line=3::listener 602 (imtcp): not judged"
    )


def test_where_nothing_can_be_judged_nothing_is_safe(tmp_path: Path) -> None:
    done = advise(tmp_path, OPEN)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "1 connection: 1 not judged"


def test_a_process_without_connections(tmp_path: Path) -> None:
    pid = str(os.getpid())
    done = told("advise", "--firewall", "350", "--pid", pid, "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert found["connections"] == []
    assert [each.split()[1] for each in found["without_connections"]] == [pid]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--pid 4194305", "--pid 4194305: there is no such process"),
        ("--pid 0", "greater than or equal to 1"),
        ("--pid 1 --format sarif", "--format sarif is for files; with --pid use text or json"),
        ("--pid 1 --keepalive on", "--pid: the sockets say what is set; leave out --keepalive"),
    ],
)
def test_a_process_that_cannot_be_judged_is_2(tmp_path: Path, words: str, message: str) -> None:
    done = told("advise", "--firewall", "350", *shlex.split(words), cwd=tmp_path)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
