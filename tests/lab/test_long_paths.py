"""Paths of more hosts than Linux's default hop limit of 64 lets packets pass."""

from pathlib import Path

import pytest

from .scenarios import halfopen

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

HOSTS = 70


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_messages_pass_seventy_hosts(tmp_path: Path, family: str) -> None:
    middleboxes = [f"m{number}" for number in range(HOSTS - 2)]
    lines = [
        "scenario: a long path",
        f"family: {family}",
        "scale: 20",
        "hosts:",
        "  sender: { run: tcp client, to: receiver }",
        *(f"  {name}: {{ profile: linux-conntrack }}" for name in middleboxes),
        "  receiver: { run: tcp server }",
        f"path: [sender, {', '.join(middleboxes)}, receiver]",
        "steps:",
        "  - send: 20 messages",
        "expect:",
        "  - delivery: { undelivered: 0 }",
    ]
    path = tmp_path / "long.scenario.yaml"
    path.write_text("\n".join(lines) + "\n")
    done = halfopen("run", path, "--out", tmp_path / "out", "--no-report", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
