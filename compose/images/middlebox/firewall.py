"""A firewall between two container networks, as one of halfopen's profiles says.

Clients connect to its address on their network, and reach the server on the other: it translates
both addresses, so that no other container needs a route, and with it NET_ADMIN.  Whatever the
profile says of translation, the table of flows, its timers and what becomes of late packets are
the profile's.

Its environment: PROFILE (a name, see `halfopen profiles`), SCALE (seconds of production in one of
here, default 1), SERVER (name of the container that clients reach).

The timers are an object of nftables here, not settings as in the netns lab: in a container
/proc/sys cannot be written, not even with NET_ADMIN.  What has to be a setting is said by the
compose file (`sysctls`) and only looked at.
"""

from __future__ import annotations

import functools
import ipaddress
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from halfopen.errors import HalfopenError, LabError, UnsupportedError
from halfopen.middlebox import ruleset
from halfopen.middlebox.attachment import Attachment
from halfopen.model.topology import Interface
from halfopen.probes.conntrack import ConntrackTable
from halfopen.probes.counters import CounterProbe
from halfopen.profiles import all_profiles
from halfopen.scenario.scaling import scale_section

_say = functools.partial(print, flush=True)

# The kernel's names of the timers, where those of nft are others (nft(8), CT TIMEOUT).
_NFT_NAMES = {"unacknowledged": "unack", "max_retrans": "retrans"}

_GATEWAY = """
table inet gateway {{
 ct timeout profile {{
  protocol tcp
  l3proto ip
  policy = {{ {timers} }}
 }}
 chain early {{
  type filter hook prerouting priority -150; policy accept;
  ct timeout set "profile"
 }}
 chain back {{
  type nat hook postrouting priority 100; policy accept;
  meta l4proto tcp oifname "{outside}" snat ip to {outside_address}
 }}
 chain strangers {{
  type filter hook input priority 0; policy accept;
  iifname "{outside}" meta l4proto tcp ct state invalid,new,untracked {refusal}
 }}
}}
"""


def _prefix(address: Any) -> int:
    """Length of the prefix of one of psutil's addresses."""
    return ipaddress.ip_interface(f"{address.address}/{address.netmask}").network.prefixlen


def attachment(server: str) -> Attachment:
    """Where this container stands: the interface that leads to the server is the outside.

    Raises:
        LabError: if it is not joined to exactly two networks.
    """
    try:
        there = socket.gethostbyname(server)
    except OSError as error:
        raise LabError(f"SERVER={server}: {error.strerror}; name a service beside this") from error
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((there, 1))
        own: str = probe.getsockname()[0]
    interfaces = {
        name: Interface(name, address.address, _prefix(address), "")
        for name, each in psutil.net_if_addrs().items()
        for address in each
        if address.family == socket.AF_INET and name != "lo"
    }
    inside = [each for each in interfaces.values() if each.address != own]
    if len(inside) != 1 or len(interfaces) != 2:
        raise LabError(f"a middlebox stands between two networks; here are {sorted(interfaces)}")
    outside = next(each for each in interfaces.values() if each.address == own)
    return Attachment(inside[0], outside, there)


def values_of(profile: str, scale: float) -> dict[str, Any]:
    """A profile's values in seconds of here.

    Raises:
        HalfopenError: if there is no such profile, or conntrack cannot play it.
    """
    known = all_profiles()
    if profile not in known:
        raise LabError(f"PROFILE={profile}: there is none; available: {', '.join(known)}")
    scaled, _ = scale_section(known[profile].values, scale)
    values = scaled.model_dump() | {"nat": "destination"}
    if reason := ruleset.unsupported(values):
        raise UnsupportedError(f"PROFILE={profile}: {reason}")
    return values


def gateway(values: Mapping[str, Any], where: Attachment) -> str:
    """What stands beside the profile's rules: its timers, and the way back through us."""
    timers = ruleset.timers(values)
    named = ", ".join(f"{_NFT_NAMES.get(key, key)}: {value}" for key, value in timers.items())
    reset = values["late_packet"] == "rst sender"
    return _GATEWAY.format(
        timers=named,
        outside=where.outside.name,
        outside_address=where.outside.address,
        refusal="reject with tcp reset" if reset else "drop",
    )


def wrong_settings(values: Mapping[str, Any]) -> list[str]:
    """Which lines `sysctls` of the compose file should have; timers are not among them."""
    wanted = {k: v for k, v in ruleset.settings(values).items() if "_timeout_" not in k}
    wanted.pop("net.ipv6.conf.all.forwarding")  # these networks are IPv4
    return [
        f"{key}: {value}"
        for key, value in wanted.items()
        if Path("/proc/sys", key.replace(".", "/")).read_text().strip() != value
    ]


def _nft(*arguments: str, text: str) -> None:
    done = subprocess.run(["nft", *arguments], input=text, capture_output=True, text=True)
    if done.returncode:
        raise LabError(f"the kernel does not take the rules (cap_add: NET_ADMIN): {done.stderr}")


def watch(name: str, shortest: float) -> None:
    """Say what becomes of flows and of late packets, as long as the container lives."""
    table, counters = ConntrackTable(name, shortest), CounterProbe()
    late = 0
    while True:
        for news in table.news():
            flow = f"{news['client']} > {news['server']}"
            if news["event"] == "created":
                _say(f"flow {flow}: known from now on")
            elif news["event"] == "destroyed" and news["cause"] == "expired":
                _say(f"flow {flow}: FORGOTTEN after silence; neither side is told")
            elif news["event"] == "destroyed":
                _say(f"flow {flow}: {news['cause']}")
        dropped = counters.read().packets
        if dropped != late:
            _say(f"late packets of forgotten flows: {dropped - late} more, {dropped} in all")
            late = dropped
        table.look()
        time.sleep(0.25)


def main() -> None:
    """Become the firewall."""
    profile, scale = os.environ.get("PROFILE", "fortigate"), float(os.environ.get("SCALE", "1"))
    try:
        values = values_of(profile, scale)
        if wrong := wrong_settings(values):
            raise LabError("these lines are missing under `sysctls`:\n" + "\n".join(wrong))
        where = attachment(os.environ.get("SERVER", "server"))
        _nft("-j", "-f", "-", text=json.dumps(ruleset.compile_rules(values, where)))
        _nft("-f", "-", text=gateway(values, where))
    except HalfopenError as error:
        sys.exit(str(error))
    idle = ruleset.timers(values)["established"]
    _say(f"{profile}: forgets a flow after {idle} s of silence, {idle * scale:.0f} s in production")
    watch(socket.gethostname(), ruleset.shortest_timer(values))


if __name__ == "__main__":
    main()
