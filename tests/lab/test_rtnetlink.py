"""Links, addresses and routes are as iproute2 sees them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from halfopen.labs.netns import sandbox

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

_SCRIPT = """
import json, subprocess, sys
from pathlib import Path
from halfopen.probes import namespaces
from halfopen.labs.agent import network
from halfopen.labs.agent.rtnetlink import routing
from halfopen.model.topology import lay_out

def ip(*words):
    argv = ["nsenter", "--net=/run/netns/a", "ip", "-json", *words]
    return json.loads(subprocess.run(argv, capture_output=True, check=True).stdout or "[]")

family = sys.argv[1]
inet = {"ipv4": "-4", "ipv6": "-6"}[family]
network.NAMESPACES.mkdir()
networks = lay_out(["a", "b", "c"], family=family)
for host in networks:
    network.create_host(host)
network.connect("a", "b", networks)
network.connect("b", "c", networks)
for host in networks:
    network.add_routes(host, networks[host])
for host in networks:
    network.await_usable(host, networks[host].interfaces)
near, far = networks["a"].interfaces[0], networks["c"].interfaces[0]
[way] = networks["a"].routes
told = {"links": ip("-details", "address"), "way": ip(inet, "route", "get", far.address)}
told["groups"] = ip("maddress", "show")
own, peer = network.ends("a", near)
with namespaces.visiting("a"):
    told["buckets"] = Path("/proc/sys/net/ipv4/tcp_ehash_entries").read_text()
told |= {"own": vars(own), "peer": vars(peer), "near": vars(near), "route": vars(way)}
with routing("a") as host:
    host.remove_route(way.subnet, way.gateway)
    told["removed"] = ip(inet, "route")
    host.add_route(way.subnet, way.gateway)
    host.add_route(way.subnet, way.gateway)
    told["again"] = ip(inet, "route")
    host.set_up(own.index, False)
    told["down"] = ip("link", "show", own.name)
    try:
        host.link("nowhere")
    except OSError as error:
        told["missing"] = str(error)
try:
    with routing("a") as host:
        host.add_route("192.0.2.0/24", "203.0.113.1")
except OSError as error:
    told["unreachable"] = error.strerror
print(json.dumps(told))
"""


def played(script: str, family: str) -> str:
    """What a script says that has a sandbox for itself."""
    done = subprocess.run(
        sandbox.command(sys.executable, "-c", script, family),
        env=sandbox.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_iproute2_sees_what_was_made(family: str) -> None:
    told: dict[str, Any] = json.loads(played(_SCRIPT, family))
    own, near, route = told["own"], told["near"], told["route"]
    by_name = {link["ifname"]: link for link in told["links"]}
    assert "UP" in by_name["lo"]["flags"]
    link = by_name[own["name"]]
    assert own["name"] == near["name"]
    assert link["linkinfo"]["info_kind"] == "veth"
    assert {"UP", "LOWER_UP"} <= set(link["flags"])
    assert own["index"] == link["ifindex"]
    assert own["mac"] == link["address"] != told["peer"]["mac"]
    assert own["mtu"] == link["mtu"]
    assert own["peer"] == told["peer"]["index"]
    [address] = [each for each in link["addr_info"] if each["local"] == near["address"]]
    assert address["prefixlen"] == near["prefix"]
    assert address["scope"] == "global"
    assert not address.get("tentative")
    assert told["way"][0]["gateway"] == route["gateway"]
    present = {each["dst"]: each for each in told["again"]}
    assert present[route["subnet"]]["gateway"] == route["gateway"]
    assert len(present) == len(told["again"])  # once, though it was added twice
    assert route["subnet"] not in {each["dst"] for each in told["removed"]}
    assert "UP" not in told["down"][0]["flags"]
    assert "nowhere" in told["missing"]
    assert told["unreachable"]
    if Path("/proc/sys/net/ipv4/tcp_child_ehash_entries").exists():
        # Negative where the table is the machine's (Documentation/networking/ip-sysctl.rst).
        assert int(told["buckets"]) > 0


def test_neighbours_can_find_an_ipv6_address_at_once() -> None:
    told: dict[str, Any] = json.loads(played(_SCRIPT, "ipv6"))
    near = told["near"]
    (link,) = (each for each in told["links"] if each["ifname"] == near["name"])
    addresses = {each["local"]: each for each in link["addr_info"]}
    assert {"link", "global"} <= {each["scope"] for each in addresses.values()}
    assert not any(each.get("tentative") for each in addresses.values())
    (joined,) = (each["maddr"] for each in told["groups"] if each["ifname"] == near["name"])
    asked = [each["address"] for each in joined if each.get("family") == "inet6"]
    # Solicited-node multicast, RFC 4291, section 2.7.1: the address's last 24 bits.
    assert near["address"] == "fd00:1::1" and "ff02::1:ff00:1" in asked


_NEVER = """
import sys
from halfopen.errors import LabError
from halfopen.labs.agent import network
from halfopen.model.topology import lay_out

network.NAMESPACES.mkdir()
network._USABLE_S = 0.05
networks = lay_out(["a", "b"], family=sys.argv[1])
for host in networks:
    network.create_host(host)
network.set_sysctls("a", {"net.ipv6.conf.default.addr_gen_mode": "1"})  # no link-local address
try:
    network.connect("a", "b", networks)
    network.await_usable("a", networks["a"].interfaces)
except LabError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("family", "said"),
    [("ipv4", ""), ("ipv6", "a: its IPv6 addresses cannot be used after 0.05 s")],
)
def test_an_address_that_nobody_can_find_is_an_error_of_the_lab(family: str, said: str) -> None:
    assert played(_NEVER, family).strip() == said


_CARRIES = """
import socket, sys, time
from halfopen.labs.agent import network
from halfopen.labs.agent.rtnetlink import routing
from halfopen.model.topology import lay_out
from halfopen.probes import namespaces

ECHO = b"\\x88\\xb5"  # an Ethernet type for experiments, IEEE 802

def end(host):
    with namespaces.visiting(host):
        found = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0x88B5)
    found.settimeout(0.5)
    found.bind((networks[host].interfaces[0].name, 0x88B5))
    return found

network.NAMESPACES.mkdir()
lost = 0
for place in range(int(sys.argv[1])):
    hosts = [f"a{place}", f"b{place}"]
    networks = lay_out(hosts, family="ipv4")
    for host in hosts:
        network.create_host(host)
    network.connect(*hosts, networks)
    ends = [end(host) for host in hosts]
    for _ in range(5):
        for up in (False, True):
            network.set_link(*hosts, networks, up)
        for each in ends:
            each.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # forgets that it was down
        for here, there in (ends, reversed(ends)):
            here.sendto(b"hello", (here.getsockname()[0], 0x88B5, 0, 0, b"\\xff" * 6))
            try:
                there.recv(100)
            except TimeoutError:
                lost += 1
print(lost)
"""


def test_a_link_carries_the_first_packet() -> None:
    assert played(_CARRIES, "20").strip() == "0"
