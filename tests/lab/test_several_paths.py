"""Several paths in a lab: both engines, either family, a cut link behind a junction, captures."""

from __future__ import annotations

from pathlib import Path

import pytest

from .scenarios import halfopen

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

TREE = """\
scenario: a tree
family: {family}
scale: 20
hosts:
  first: {{ run: tcp client, to: primary }}
  second: {{ run: tcp client, to: secondary }}
  firewall: {{ profile: linux-conntrack, engine: {engine}, nat: source }}
  primary: {{ run: tcp server }}
  secondary: {{ run: tcp server }}
paths:
  - [first, firewall, primary]
  - [second, firewall, secondary]
  - [first, firewall, secondary]
  - [second, firewall, primary]
steps:
  - send: 5 messages
    from: first
  - fault: partition
    between: [second, firewall]
    stays: true
  - send: 5 messages
    from: second
  - send: 5 messages
    from: first
expect:
  - delivery: {{ lost: 0 }}
  - connections: {{ at: primary, opened: 1, at end: 1 }}
  - connections: {{ at: secondary, opened: 1, at end: 1 }}
reproduces: {{ delivery.lost: 5 }}
"""


@pytest.mark.parametrize("engine", ["conntrack", "userspace"])
@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_a_cut_link_of_a_tree_stops_one_client_and_no_other(
    tmp_path: Path, family: str, engine: str
) -> None:
    path = tmp_path / "tree.scenario.yaml"
    path.write_text(TREE.format(family=family, engine=engine))
    done = halfopen("run", path, "--pcap", "--out", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    names = {file.name for file in (tmp_path / "out").rglob("*.pcapng")}
    assert {
        "firewall.inside-second.pcapng",
        "firewall.inside-firewall.pcapng",
        "firewall.outside-secondary.pcapng",
    } <= names, names
