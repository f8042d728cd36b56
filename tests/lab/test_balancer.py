"""A balancer in a lab: which server a client gets, on both engines and with either family."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from halfopen.model.history import read_history
from halfopen.model.records import FlowRecord

from .scenarios import halfopen

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

POOL = """\
scenario: a pool
family: {family}
scale: 10
hosts:
  clients: {{ run: tcp client, to: web.1, count: 4, connections: 3 }}
  balancer: {{ profile: ipvs, pool: web, balance: {balance}, engine: {engine} }}
  web: {{ run: tcp server, count: 3 }}
path: [clients, balancer, web]
steps:
  - send: 3 messages
    from: clients
  - wait: 10 s
expect:
  - delivery: {{ lost: 0, corrupted: 0 }}
  - connections: {{ sum over: web, opened: 12 }}
"""


@pytest.mark.parametrize("engine", ["conntrack", "userspace"])
@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
@pytest.mark.parametrize("balance", ["round robin", "source hash"])
def test_flows_take_turns_or_go_where_their_client_goes(
    tmp_path: Path, family: str, engine: str, balance: str
) -> None:
    path = tmp_path / "pool.scenario.yaml"
    path.write_text(POOL.format(family=family, engine=engine, balance=balance))
    done = halfopen("run", path, "--out", tmp_path, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    of_client: dict[str, list[str]] = defaultdict(list)
    history = read_history(tmp_path / "pool" / "default")
    for record in history.of(FlowRecord, event="created"):
        client, server = record["outside"]
        of_client[client.rpartition(":")[0]].append(server)
    servers = [server for found in of_client.values() for server in found]
    assert (len(of_client), len(servers)) == (4, 12)
    if balance == "round robin":
        assert sorted(servers.count(each) for each in set(servers)) == [4, 4, 4]
    else:
        assert all(len(set(found)) == 1 for found in of_client.values())
        assert len(set(servers)) > 1
