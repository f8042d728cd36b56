"""Whether this machine lets us make namespaces, and any command in some of its own.

Nothing of a sandbox can outlive the process that started it: `unshare` is killed by the kernel when
that dies (`setpriv --pdeathsig`, prctl(2)), and with it the first process of the PID namespace
(`--kill-child`).  When that dies, the kernel kills the others (pid_namespaces(7)), and with the
last process every other namespace, interface and rule goes.  The sandboxes of runs are made by
:mod:`halfopen.labs.netns.zygote`, in the same way and without these programs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from halfopen.middlebox import ruleset
from halfopen.middlebox.attachment import Attachment
from halfopen.model.topology import Interface
from halfopen.products.tools import SEARCH_PATH

_LOOSE = "/proc/sys/net/netfilter/nf_conntrack_tcp_loose"
_TOOLS = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "nft": "nftables",
    "mount": "mount",
}


def namespace_options() -> list[str]:
    """Options for `unshare`: an ordinary user needs a user namespace, root does not."""
    options = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return options if os.geteuid() == 0 else ["--user", "--map-root-user", *options]


def command(*inside: str) -> list[str]:
    """The argument list that runs `inside` as first process of a new sandbox."""
    # Namespaces have their names in /run/netns; the machine's own /run is not ours to write.
    script = 'mount -t tmpfs -o mode=755 halfopen /run && exec "$@"'
    lifeline = ["setpriv", "--pdeathsig", "KILL", "unshare", *namespace_options()]
    return [*lifeline, "sh", "-c", script, "halfopen", *inside]


def environment() -> dict[str, str]:
    """The environment of a sandbox: ours, with the administration tools on its path."""
    return {**os.environ, "PATH": SEARCH_PATH, "PYTHONUNBUFFERED": "1"}


def missing() -> list[str]:
    """What keeps this lab from working on this machine, each with its remedy; empty if nothing."""
    problems = [
        f"the program {tool} is missing: install the package {package}"
        for tool, package in _TOOLS.items()
        if shutil.which(tool, path=SEARCH_PATH) is None
    ]
    if not sys.platform.startswith("linux"):
        return ["this lab needs Linux: use the docker lab"]
    if problems:
        return problems
    return _try_namespaces()


def _try_namespaces() -> list[str]:
    """Make the namespaces, and in them a rule that uses everything that the lab needs."""
    values = {"idle_timeout": 5, "half_open": 5, "half_closed": 5, "on_expiry": "silent"}
    values |= {"late_packet": "drop", "keepalive_refreshes": True}
    anywhere = Attachment(Interface("inside", "", 0, ""), Interface("outside", "", 0, ""))
    script = (
        f"nft -j -f - <<'END' && echo 0 > {_LOOSE} && ls /proc/self/ns/net\n"
        f"{json.dumps(ruleset.compile_rules(values, anywhere))}\nEND\n"
    )
    try:
        done = subprocess.run(
            command("sh", "-c", script),
            env=environment(),
            capture_output=True,
            text=True,
            timeout=20,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"cannot create namespaces: {error}"]
    if done.returncode == 0:
        return []
    said = done.stderr.strip().splitlines()
    return [_explain(said[-1] if said else f"exit status {done.returncode}")]


def _explain(said: str) -> str:
    """The likely reason why namespaces are refused, and the ways out."""

    def setting(path: str) -> str:
        try:
            return Path(path).read_text().strip()
        except OSError:
            return ""

    if "unshare" not in said and "mount" not in said:
        return (
            f"the kernel lacks a part of nftables or conntrack ({said}); it needs "
            "CONFIG_NF_TABLES, CONFIG_NF_TABLES_INET, CONFIG_NFT_CT, CONFIG_NF_CT_NETLINK"
        )
    ways = "run as root, or use the docker lab"
    if setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
        return (
            f"AppArmor does not let ordinary users create user namespaces ({said}): allow them "
            "with "
            "`sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0` or an AppArmor profile "
            f"with `userns,` for {sys.executable}; or {ways}"
        )
    if setting("/proc/sys/kernel/unprivileged_userns_clone") == "0":
        return (
            f"the kernel does not let ordinary users create user namespaces ({said}): allow "
            "them with "
            f"`sudo sysctl kernel.unprivileged_userns_clone=1`; or {ways}"
        )
    if setting("/proc/sys/user/max_user_namespaces") == "0":
        return (
            f"no user namespaces are allowed ({said}): raise the limit with "
            f"`sudo sysctl user.max_user_namespaces=10000`; or {ways}"
        )
    return (
        f"creating namespaces is not permitted ({said}); a container needs CAP_SYS_ADMIN or a "
        "seccomp "
        f"profile that allows unshare and mount; or {ways}"
    )
