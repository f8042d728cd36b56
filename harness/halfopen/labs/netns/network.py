"""Inside the sandbox: builds hosts as network namespaces, links between them, and rules."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute, config, netns

from halfopen.errors import LabError, UnsupportedError
from halfopen.labs.netns.wire import offload
from halfopen.middlebox import ruleset
from halfopen.model.topology import HostNetwork, Interface

NAMESPACES = Path("/run/netns")

# Namespaces are made in a child process; on a busy machine its two seconds are not enough.
config.default_communicate_timeout = 30

_NO_DAD = 0x02  # IFA_F_NODAD, include/uapi/linux/if_addr.h

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
}


def create_host(name: str) -> None:
    """A host: a network namespace with its loopback interface up."""
    netns.create(name)
    with IPRoute(netns=name) as route:
        route.link("set", index=1, state="up")
    has_ipv6 = Path("/proc/sys/net/ipv6").exists()
    set_sysctls(name, {k: v for k, v in _HOST.items() if has_ipv6 or ".ipv6." not in k})


def connect(left: str, right: str, networks: Mapping[str, HostNetwork]) -> None:
    """A link (a veth pair) between two neighbours, both ends addressed and up."""
    here, there = networks[left].towards(right), networks[right].towards(left)
    with IPRoute(netns=left) as a, IPRoute(netns=right) as b:
        a.link(
            "add",
            ifname=here.name,
            kind="veth",
            peer={"ifname": there.name, "net_ns_fd": right},
        )
        for route, end in ((a, here), (b, there)):
            index = route.link_lookup(ifname=end.name)[0]
            # Duplicate address detection would keep an IPv6 address unusable for a second.
            flags = {"flags": _NO_DAD} if ":" in end.address else {}
            route.addr("add", index=index, address=end.address, prefixlen=end.prefix, **flags)
            route.link("set", index=index, state="up")


def add_routes(name: str, network: HostNetwork) -> None:
    """The static routes of one host."""
    with IPRoute(netns=name) as route:
        for each in network.routes:
            route.route("add", dst=each.subnet, gateway=each.gateway)


def carry_true_packets(host: str, interface: Interface) -> None:
    """Make both ends of a link finish checksums and segments before it carries them.

    Else a packet in it may be longer than its MTU.

    Raises:
        LabError: if the kernel refuses.
    """
    with IPRoute(netns=host) as here, IPRoute(netns=interface.neighbour) as there:
        own = here.get_links(here.link_lookup(ifname=interface.name)[0])[0]
        peer = there.get_links(own.get_attr("IFLA_LINK"))[0].get_attr("IFLA_IFNAME")
    for name, end in ((host, interface.name), (interface.neighbour, peer)):
        with inside(name):
            try:
                offload.switch_off(end)
            except OSError as error:
                raise LabError(f"{name}: {end} keeps its offloads: {error.strerror}") from error


@contextlib.contextmanager
def inside(name: str) -> Iterator[None]:
    """Run the block in the namespace of a host.

    Only for threads that do nothing else: a namespace belongs to the thread, and whatever the
    event loop did meanwhile would happen in the wrong one.
    """
    with Path("/proc/thread-self/ns/net").open("rb") as home:
        netns.setns(name)
        try:
            yield
        finally:
            netns.setns(home.fileno())


def set_sysctls(name: str, settings: Mapping[str, str]) -> None:
    """Write `net.*` settings of one host.

    Raises:
        LabError: if the kernel does not know a setting, or refuses the value.
    """
    with inside(name):
        for key, value in settings.items():
            path = Path("/proc/sys") / key.replace(".", "/")
            try:
                path.write_text(value)
            except OSError as error:
                raise LabError(f"{name}: cannot set {key} = {value}: {error.strerror}") from error


def load_rules(name: str, values: Mapping[str, Any], place: ruleset.Place) -> None:
    """Make a host the middlebox that a profile's values describe.

    Raises:
        UnsupportedError: if conntrack cannot play the profile.
        LabError: if the kernel does not take the rules or the timers.
    """
    rules = ruleset.compile_rules(values, place)
    set_sysctls(name, ruleset.settings(values))
    _nft(name, "-j", "-f", "-", text=json.dumps(rules))


def block(host: str, rules: Mapping[str, Any]) -> None:
    """Add the rules of a block (:func:`halfopen.middlebox.ruleset.compile_block`)."""
    _nft(host, "-j", "-f", "-", text=json.dumps(rules))


def unblock(host: str, name: str) -> None:
    """Remove the rules of the block `name`.

    Raises:
        LabError: if there are none.
    """
    table = (ruleset.FAMILY, ruleset.TABLE, ruleset.FAULTS)
    listed = json.loads(_nft(host, "-j", "-a", "list", "chain", *table))["nftables"]
    rules = [item["rule"] for item in listed if item.get("rule", {}).get("comment") == name]
    if not rules:
        raise LabError(f"{host}: there is no block {name!r} to end")
    for rule in rules:
        _nft(host, "delete", "rule", *table, "handle", str(rule["handle"]))


def set_link(left: str, right: str, networks: Mapping[str, HostNetwork], up: bool) -> None:
    """Set both ends of the link between two neighbours up or down.

    An interface that goes down loses its routes; those of both hosts are added again.

    Raises:
        LabError: if the hosts are no neighbours.
    """
    for here, there in ((left, right), (right, left)):
        ends = [i for i in networks[here].interfaces if i.neighbour == there]
        if not ends:
            raise LabError(f"there is no link between {left} and {right}")
        with IPRoute(netns=here) as route:
            index = route.link_lookup(ifname=ends[0].name)[0]
            route.link("set", index=index, state="up" if up else "down")
    if up:
        for here in (left, right):
            with IPRoute(netns=here) as route:
                for each in networks[here].routes:
                    route.route("replace", dst=each.subnet, gateway=each.gateway)


def cut_link(left: str, right: str, networks: Mapping[str, HostNetwork], cut: bool) -> None:
    """Let the link between two neighbours carry nothing, while it looks as if it were up.

    Frames vanish where they leave an interface, whoever made them: below IP, and below what packet
    sockets send, so that ARP is silent too.

    Raises:
        LabError: if the hosts are no neighbours.
        UnsupportedError: if the kernel cannot do it.
    """
    for here, there in ((left, right), (right, left)):
        try:
            name = networks[here].towards(there).name
        except KeyError:
            raise LabError(f"there is no link between {left} and {right}") from None
        if cut:
            try:
                _nft(here, "-f", "-", text=_CUT.format(name=name))
            except LabError as error:
                raise UnsupportedError(
                    "a link cannot be cut here: that needs Linux 5.18 with"
                    f" and CONFIG_NETFILTER_EGRESS, and nftables 1.0.1: {error}"
                ) from error
        else:
            _nft(here, "delete", "table", "netdev", f"cut-{name}")


# A chain of a netdev table belongs to one interface (nft(8), ADDRESS FAMILIES).  Frames are not
# dropped, because TCP is told of what its own host drops, and counts it as no attempt
# (net/ipv4/tcp_timer.c, tcp_keepalive_timer): they go to the loopback interface instead, which
# throws away what is for another's hardware address.
_CUT = """
table netdev cut-{name} {{
 chain out {{
  type filter hook egress device "{name}" priority -500; policy accept;
  fwd to "lo"
 }}
}}
"""


def set_route(host: str, to: str, networks: Mapping[str, HostNetwork], present: bool) -> None:
    """Take the routes of one host towards another away, or put them back.

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
        raise LabError(f"{host} has no route to {to} that could be lost: a link joins them")
    with IPRoute(netns=host) as route:
        for each in lost:
            if present:
                route.route("replace", dst=each.subnet, gateway=each.gateway)
            else:
                route.route("del", dst=each.subnet, gateway=each.gateway)


def _nft(name: str, *arguments: str, text: str = "") -> str:
    done = subprocess.run(
        ["nsenter", f"--net={NAMESPACES / name}", "nft", *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=30,
    )
    if done.returncode:
        raise LabError(f"{name}: the kernel does not take the firewall's rules: {done.stderr}")
    return done.stdout
