"""What the programs of a host are started with, beside what they ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


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
            return ["--"]
        # Entering a mount namespace leads to its root.
        return [f"--mount={self.mounts}", "--", "env", f"--chdir={directory}"]


def with_preloads(env: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, str]:
    """`env` and `extra`; where both preload a library (ld.so(8)), both are preloaded."""
    found = {**env, **extra}
    preloads = [e["LD_PRELOAD"] for e in (extra, env) if e.get("LD_PRELOAD")]
    if preloads:
        found["LD_PRELOAD"] = ":".join(dict.fromkeys(preloads))
    return found
