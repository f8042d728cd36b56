"""A sender that does not read its standard input for a while, or not again."""

from pathlib import Path

import pytest

from halfopen.model.history import read_history
from halfopen.model.records import UntakenRecord

from .scenarios import halfopen

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

SCENARIO = """\
scenario: the sender does not read
scale: 10
hosts:
  sender: { run: relpio send, to: receiver }
  firewall: { profile: fortigate }
  receiver: { run: relpio receive }
path: [sender, firewall, receiver]
steps:
  - fault: pause
    at: sender
  - send: 2000 messages
REST
expect:
  - delivery: { lost: 0 }
"""


def test_a_sender_that_reads_again_gets_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "unread.scenario.yaml"
    rest = "  - fault: resume\n    at: sender\n  - wait until: 2000 delivered"
    path.write_text(SCENARIO.replace("REST", rest))
    done = halfopen("run", path, "--out", tmp_path / "out", "--no-report", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    (record,) = read_history(tmp_path / "out/unread/default").of(UntakenRecord)
    assert record["host"] == "sender" and record["of"] == 2000
    assert record["taken"] <= 400  # of 200 bytes each: what a pipe of 64 KiB holds


def test_a_sender_that_never_reads_again_is_named(tmp_path: Path) -> None:
    path = tmp_path / "unread.scenario.yaml"
    path.write_text(SCENARIO.replace("REST\n", ""))
    done = halfopen("run", path, "--out", tmp_path / "out", "--no-report", cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    words = " ".join(done.stdout.split())
    assert "relpio-send on sender does not read its input" in words
    assert "of 2000 messages went in" in words
