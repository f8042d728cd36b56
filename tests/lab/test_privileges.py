"""What a program of a scenario may do as root of its sandbox."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from halfopen.labs.agent.environment import CAPABILITIES
from tests.lab.scenarios import halfopen
from tests.lab.test_lab_commands import FORWARDED

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

# include/uapi/linux/capability.h, from 0 on
NAMES = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
]
# A program started by the program: what is gone for one is gone for all that it starts.
LOOK = """\
        import json, os, subprocess
        with open("/proc/self/status") as file:
            status = dict(line.split(":", 1) for line in file)
        found = {key: int(status[key], 16) for key in ("CapEff", "CapPrm", "CapBnd", "CapInh")}
        found["mknod"] = subprocess.run(["mknod", "null", "c", "1", "3"]).returncode
        found["mount"] = subprocess.run(["mount", "-t", "tmpfs", "none", "/mnt"]).returncode
        found["link"] = subprocess.run(["ip", "link", "set", "lo", "mtu", "1400"]).returncode
        with open("found.json", "w") as file:
            json.dump(found, file)
"""


def test_it_has_no_capability_that_it_does_not_need(tmp_path: Path) -> None:
    scenario = tmp_path / "looks.scenario.yaml"
    begin = "      forward.py: |\n"
    scenario.write_text(FORWARDED.replace(begin, begin + LOOK))
    done = halfopen("run", scenario, "--variant", "ipv4", "--no-report", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "out/looks/ipv4/hosts/proxy/disk/found.json").read_text())
    masks = {key: found.pop(key) for key in ("CapEff", "CapPrm", "CapBnd", "CapInh")}
    assert masks.pop("CapInh") == 0
    held = {
        key: {NAMES[bit] for bit in range(len(NAMES)) if mask >> bit & 1}
        for key, mask in masks.items()
    }
    may = set(CAPABILITIES)
    if os.geteuid() == 0:  # an outer container may have taken more from us
        may &= held["CapBnd"]
        assert may
    assert held == dict.fromkeys(("CapEff", "CapPrm", "CapBnd"), may)
    assert len(found) == 3 and all(found.values()), found
