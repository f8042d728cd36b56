"""Builds hosts as network namespaces, links between them, and rules."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from halfopen.errors import LabError, UnsupportedError
from halfopen.labs.agent.rtnetlink import LinkInfo, routing
from halfopen.labs.forwarder import offload
from halfopen.labs.forwarder.frames import TTL
from halfopen.middlebox import nftables, ruleset
from halfopen.middlebox.attachment import Attachment
from halfopen.model.topology import HostNetwork, Interface, link_between
from halfopen.probes import namespaces
from halfopen.probes.namespaces import NAMESPACES as NAMESPACES

_LOOPBACK = 1  # its index is the first in every namespace

# Settings of every host, before it has links (Documentation/networking/ip-sysctl.rst).
_HOST: Mapping[str, str] = {
    # The machine's own choice is inherited; with it, packets of an asymmetric path might vanish.
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.default.rp_filter": "0",
    # An IPv6 address must survive that its cable is pulled, as an IPv4 address does.
    "net.ipv6.conf.all.keep_addr_on_down": "1",
    "net.ipv6.conf.default.accept_ra": "0",
    # A lab has no duplicate addresses; to look for them takes a second, at every start of a link.
    "net.ipv6.conf.all.accept_dad": "0",
    "net.ipv6.conf.default.accept_dad": "0",
    # Who asks for a neighbour may do so from a link-local address: each interface has one.
    "net.ipv6.conf.default.addr_gen_mode": "0",
}

# With Linux's 64 a path of 66 hosts carries nothing.
_HOPS: Mapping[str, str] = {
    "net.ipv4.ip_default_ttl": str(TTL),
    "net.ipv6.conf.all.hop_limit": str(TTL),
    "net.ipv6.conf.default.hop_limit": str(TTL),
}

FORWARDING: Mapping[str, str] = {
    "net.ipv4.ip_forward": "1",
    "net.ipv6.conf.all.forwarding": "1",
}
"""Settings of a junction (:mod:`halfopen.model.ways`)."""

_USABLE_S, _LOOK_S = 10.0, 0.002
_CHILD_TABLE = Path("/proc/sys/net/ipv4/tcp_child_ehash_entries")
_BUCKETS = 4096


def create_host(name: str) -> None:
    """A host: a network namespace with its loopback interface up."""
    with contextlib.suppress(OSError):  # known since Linux 6.1
        # Else it shares the machine's table of connections: each look at its sockets walks all of
        # that, a quarter of a million buckets on a large machine.
        _CHILD_TABLE.write_text(str(_BUCKETS))
    namespaces.create(name)
    set_loopback_up(name)
    _set_known(name, _HOST)
    let_packets_far(name)


def let_packets_far(name: str) -> None:
    """Packets of a host pass as many others as the protocol allows; before it has links."""
    _set_known(name, _HOPS)


def _set_known(name: str, settings: Mapping[str, str]) -> None:
    has_ipv6 = Path("/proc/sys/net/ipv6").exists()
    set_sysctls(name, {k: v for k, v in settings.items() if has_ipv6 or ".ipv6." not in k})


def set_loopback_up(name: str) -> None:
    """Set the loopback interface of a host up."""
    with routing(name) as host:
        host.set_up(_LOOPBACK)


def connect(left: str, right: str, networks: Mapping[str, HostNetwork]) -> None:
    """A link (a veth pair) between two neighbours, both ends addressed and up."""
    here, there = networks[left].towards(right), networks[right].towards(left)
    with routing(left) as a, routing(right) as b:
        a.add_veth(here.name, there.name, right)
        for host, end in ((a, here), (b, there)):
            index = host.link(end.name).index
            host.add_address(index, end.address, end.prefix)
            host.set_up(index)


def add_routes(name: str, network: HostNetwork) -> None:
    """The static routes of one host."""
    with routing(name) as host:
        for each in network.routes:
            host.add_route(each.subnet, each.gateway)


def await_usable(name: str, interfaces: Sequence[Interface]) -> None:
    """Wait until interfaces of a host carry packets, and neighbours can find its IPv6 addresses.

    Before that packets vanish, and whoever sent them tries again after a second or more: in scaled
    time a long delay that no scenario asked for.

    Raises:
        LabError: if it is not so after ten seconds.
    """
    names = [each.name for each in interfaces]
    sixes = {each.name for each in interfaces if ":" in each.address}
    deadline = time.monotonic() + _USABLE_S
    with routing(name) as host:
        while True:
            links = [host.link(each) for each in names]
            silent = [link.name for link in links if not link.carries]
            found = host.found_by_neighbours() if sixes else set()
            unknown = any(link.name in sixes and link.index not in found for link in links)
            if not silent and not unknown:
                return
            if time.monotonic() > deadline:
                what = f"its links {', '.join(silent)}" if silent else "its IPv6 addresses"
                raise LabError(f"{name}: {what} cannot be used after {_USABLE_S:g} s")
            time.sleep(_LOOK_S)


def ends(host: str, interface: Interface) -> tuple[LinkInfo, LinkInfo]:
    """The two ends of a link: that of the host, and that of its neighbour."""
    with routing(host) as here, routing(interface.neighbour) as there:
        own = here.link(interface.name)
        return own, next(link for link in there.links() if link.index == own.peer)


def carry_true_packets(host: str, interface: Interface) -> None:
    """Make both ends of a link finish checksums and segments before it carries them.

    Else a packet in it may be longer than its MTU.

    Raises:
        LabError: if the kernel refuses.
    """
    own, peer = ends(host, interface)
    for name, end in ((host, own.name), (interface.neighbour, peer.name)):
        with namespaces.visiting(name):
            try:
                offload.switch_off(end)
            except OSError as error:
                raise LabError(
                    f"{name}: cannot turn off the offloads of {end}: {error.strerror}"
                ) from error


def sysctl(key: str) -> Path:
    """The file of a setting."""
    return Path("/proc/sys") / key.replace(".", "/")


def set_sysctls(name: str, settings: Mapping[str, str]) -> None:
    """Write `net.*` settings of one host.

    Raises:
        LabError: if the kernel does not know a setting, or refuses the value.
    """
    with namespaces.visiting(name):
        for key, value in settings.items():
            try:
                sysctl(key).write_text(value)
            except OSError as error:
                raise LabError(f"{name}: cannot set {key} = {value}: {error.strerror}") from error


def load_rules(name: str, values: Mapping[str, Any], attachment: Attachment) -> None:
    """Make a host the middlebox that a profile's values describe.

    Raises:
        UnsupportedError: if conntrack cannot play the profile.
        LabError: if the kernel does not take the rules or the timers.
    """
    rules = ruleset.compile_rules(values, attachment)
    set_sysctls(name, ruleset.settings(values))
    nft(name, "-j", "-f", "-", text=json.dumps(rules))


def fault_packets(host: str, name: str) -> int:
    """Packets to which the packet fault `name` has done something; 0 if it is not active."""
    return sum(counted(rule) for rule in _fault_rules(host, name))


def counted(rule: Mapping[str, Any]) -> int:
    """Packets that the counter of a rule has counted; 0 if it has none of its own."""
    counters = (each["counter"] for each in rule["expr"] if isinstance(each.get("counter"), dict))
    return sum(counter["packets"] for counter in counters)


def load(host: str, rules: Mapping[str, Any]) -> None:
    """Do to the rules of a middlebox what libnftables-json(5) says, all of it or nothing.

    Raises:
        LabError: if the kernel does not take it.
    """
    nft(host, "-j", "-f", "-", text=json.dumps(rules))


def remove_fault(host: str, name: str) -> None:
    """Remove the rules of the packet fault `name`.

    Raises:
        LabError: if there are none.
    """
    rules = _fault_rules(host, name)
    if not rules:
        raise LabError(f"{host}: no packet fault {name!r} is active")
    for rule in rules:
        nft(host, "delete", "rule", *_FAULTS, "handle", str(rule["handle"]))


def _fault_rules(host: str, name: str) -> list[dict[str, Any]]:
    listed = json.loads(nft(host, "-j", "-a", "list", "chain", *_FAULTS))["nftables"]
    return [item["rule"] for item in listed if item.get("rule", {}).get("comment") == name]


_FAULTS = (nftables.FAMILY, nftables.TABLE, nftables.FAULTS)


def counted_in(host: str, family: str, table: str) -> int:
    """Packets that all counters in the rules of a table have counted; 0 if there is no table."""
    try:
        listed = json.loads(nft(host, "-j", "list", "table", family, table))["nftables"]
    except LabError:
        return 0
    return sum(counted(item["rule"]) for item in listed if "rule" in item)


def set_link(left: str, right: str, networks: Mapping[str, HostNetwork], up: bool) -> None:
    """Set both ends of the link between two neighbours up or down; up, it carries packets at once.

    An interface that goes down loses its routes; those of both hosts are added again.

    Raises:
        LabError: if the hosts are no neighbours, or the link does not come up.
    """
    joined = _joined(left, right, networks)
    for here, there in (joined, reversed(joined)):
        with routing(here) as host:
            host.set_up(host.link(networks[here].towards(there).name).index, up)
    if up:
        for name in joined:
            add_routes(name, networks[name])
        for here, there in (joined, reversed(joined)):
            await_usable(here, [networks[here].towards(there)])


def cut_link(left: str, right: str, networks: Mapping[str, HostNetwork], cut: bool) -> None:
    """Let the link between two neighbours carry nothing, while it looks as if it were up.

    Frames vanish where they leave an interface, whoever made them: below IP, and below what packet
    sockets send, so that ARP is silent too.

    Raises:
        LabError: if the hosts are no neighbours.
        UnsupportedError: if the kernel cannot do it.
    """
    joined = _joined(left, right, networks)
    for here, there in (joined, reversed(joined)):
        _silence(here, networks[here].towards(there).name, "cut", cut)


def _joined(left: str, right: str, networks: Mapping[str, HostNetwork]) -> tuple[str, str]:
    try:
        return link_between(networks, left, right)
    except KeyError:
        raise LabError(f"there is no link between {left} and {right}") from None


def cut_host(host: str, networks: Mapping[str, HostNetwork], cut: bool) -> None:
    """Let all links of a host carry nothing, in either direction, while they look as if up.

    Raises:
        UnsupportedError: if the kernel cannot do it.
    """
    for interface in networks[host].interfaces:
        _silence(host, interface.name, "power", cut)
        _silence(
            interface.neighbour, networks[interface.neighbour].towards(host).name, "power", cut
        )


def _silence(host: str, interface: str, why: str, cut: bool) -> None:
    """Cut what leaves an interface, or undo the cut of that name: several may be in force."""
    if not cut:
        nft(host, "delete", "table", "netdev", f"{why}-{interface}")
        return
    try:
        nft(host, "-f", "-", text=_CUT.format(why=why, name=interface))
    except LabError as error:
        raise UnsupportedError(
            "links cannot be cut here: this needs Linux 5.18 with CONFIG_NETFILTER_EGRESS, "
            f"and nftables 1.0.1: {error}"
        ) from error


# A chain of a netdev table belongs to one interface (nft(8), ADDRESS FAMILIES).  Frames are not
# dropped, because TCP is told of what its own host drops, and counts it as no attempt
# (net/ipv4/tcp_timer.c, tcp_keepalive_timer): they go to the loopback interface instead, which
# throws away what is for another's hardware address.
_CUT = """
table netdev {why}-{name} {{
 chain out {{
  type filter hook egress device "{name}" priority -500; policy accept;
  counter fwd to "lo"
 }}
}}
"""


def swallowed_by_cut(left: str, right: str, networks: Mapping[str, HostNetwork]) -> int:
    """Packets that the cut of a link has kept from crossing it; 0 if it is not cut."""
    joined = link_between(networks, left, right)
    return sum(
        counted_in(here, "netdev", f"cut-{networks[here].towards(there).name}")
        for here, there in (joined, reversed(joined))
    )


def set_route(host: str, to: str, networks: Mapping[str, HostNetwork], present: bool) -> int:
    """Take the routes of one host towards another away, or put them back; returns how many.

    Raises:
        LabError: if it has no such route, since both are on one link.
    """
    addresses = [ipaddress.ip_address(i.address) for i in networks[to].interfaces]
    lost = [
        route
        for route in networks[host].routes
        if any(address in ipaddress.ip_network(route.subnet) for address in addresses)
    ]
    if not lost:
        raise LabError(f"{host} has no route to {to} to remove: they are on the same link")
    with routing(host) as here:
        for each in lost:
            change = here.add_route if present else here.remove_route
            change(each.subnet, each.gateway)
    return len(lost)


def nft(name: str, *arguments: str, text: str = "") -> str:
    """Run nft in a host; returns what it writes.

    Raises:
        LabError: if the kernel does not take it.
    """
    done = subprocess.run(
        ["nsenter", f"--net={NAMESPACES / name}", "nft", *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=30,
    )
    if done.returncode:
        raise LabError(f"{name}: the kernel rejects the rules: {done.stderr.strip()}")
    return done.stdout
