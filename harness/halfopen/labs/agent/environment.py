"""What the programs of a host are started with, beside what they ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

CAPABILITIES = (
    # Files of other users, and programs that change to one: servers that are started as root.
    *("chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap"),
    "sys_chroot",
    # Network, in the host's own namespace: ports below 1024, ping.
    *("net_bind_service", "net_raw"),
)
"""What the programs of a host may still do as root (capabilities(7)).

Not among them: loading modules, setting the machine's clock, making devices, raw I/O, mounts,
namespaces and rules of the firewall, looking into processes of others.  An ordinary user's programs
are root in the user namespace of their sandbox only, and get the same.
"""

_SETPCAP = 8  # include/uapi/linux/capability.h


@cache
def unprivileged() -> tuple[str, ...]:
    """What to put before a command so that it, and all that it starts, has no other capabilities.

    Nothing where we may not take any away (CAP_SETPCAP): as root of a container that has few.
    """
    status = Path("/proc/self/status").read_text()
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    if not int(effective.split()[1], 16) >> _SETPCAP & 1:
        return ()
    kept = ",".join(f"+{each}" for each in CAPABILITIES)
    return ("setpriv", f"--bounding-set=-all,{kept}", "--inh-caps=-all", "--")


@dataclass(frozen=True)
class LaunchEnvironment:
    """What must be there when a program starts, so that a later fault can be done.

    Attributes:
        env: added to its environment; `LD_PRELOAD` is put before what is there.
        mounts: path of the mount namespace that it lives in, None for the sandbox's own.
        finish: called when the run is over, while everything still stands.
    """

    env: Mapping[str, str] = field(default_factory=dict)
    mounts: str | None = None
    finish: tuple[Callable[[], None], ...] = ()

    def __or__(self, other: LaunchEnvironment) -> LaunchEnvironment:
        """Both; of two mount namespaces the later."""
        return LaunchEnvironment(
            with_preloads(self.env, other.env),
            other.mounts or self.mounts,
            (*self.finish, *other.finish),
        )

    def command(self, directory: str) -> list[str]:
        """What to put before a command so that `nsenter` starts it there, in `directory`."""
        if self.mounts is None:
            return ["--", *unprivileged()]
        # Entering a mount namespace leads to its root.
        return [
            f"--mount={self.mounts}",
            "--",
            *unprivileged(),
            "env",
            f"--chdir={directory}",
        ]


def with_preloads(env: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, str]:
    """`env` and `extra`; where both preload a library (ld.so(8)), both are preloaded."""
    found = {**env, **extra}
    preloads = [e["LD_PRELOAD"] for e in (extra, env) if e.get("LD_PRELOAD")]
    if preloads:
        found["LD_PRELOAD"] = ":".join(dict.fromkeys(preloads))
    return found
