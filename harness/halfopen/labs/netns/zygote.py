"""Outside, a process of its own: has loaded what an agent needs, and forks one for each sandbox.

To load it takes longer than all else that a sandbox is made by; a fork has it at once.  Each
request comes by the socket whose number is the argument, as file descriptors: standard input,
output and error of the agent, its lifeline, and a file with `{"env", "cwd"}`.

The chain of death is that of `unshare --kill-child` (:mod:`halfopen.labs.netns.sandbox`): the
caller -> this process (`setpriv --pdeathsig`) -> a keeper for each sandbox -> the agent, first
process of its PID namespace; each is killed by the kernel when the one before it dies (prctl(2)).
A keeper also ends when the other end of its lifeline is closed, and tells its end by it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from halfopen.labs.agent.actions import all_actions
from halfopen.labs.agent.agent import serve
from halfopen.probes.namespaces import call

FILES = 5  # that come with a request

# include/uapi/linux/sched.h
_NEWNS, _NEWUSER, _NEWPID, _NEWNET = 0x00020000, 0x10000000, 0x20000000, 0x40000000
# include/uapi/linux/mount.h
_NOSUID, _NODEV, _NOEXEC, _REC, _PRIVATE = 2, 4, 8, 0x4000, 1 << 18
_PR_SET_PDEATHSIG = 1  # include/uapi/linux/prctl.h


def main() -> None:
    """Fork until the other end of the socket is closed."""
    requests = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the keepers
    all_actions()  # loads them
    gc.freeze()  # what is shared with the children stays shared
    while True:
        data, files, _, _ = socket.recv_fds(requests, 1, FILES)
        if not data:
            return
        if os.fork() == 0:
            requests.close()
            _keep(files)
        for each in files:
            os.close(each)


def _keep(files: Sequence[int]) -> NoReturn:
    """The keeper: makes the namespaces, has the agent born into them, and ends with it."""
    try:
        _die_with_parent()
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        *standard, lifeline, request = files
        for number, each in enumerate(standard):
            os.dup2(each, number)
            os.close(each)
        _settle(request)
        _leave()
        lives, agent_lives = os.pipe()
        if os.fork() == 0:
            os.close(lifeline)
            os.close(lives)
            _be_agent()
        os.close(agent_lives)
        select.select([lifeline, lives], [], [])
    except BaseException as error:
        _say(error)
    os._exit(0)


def _be_agent() -> NoReturn:
    """The first process of the PID namespace."""
    try:
        _die_with_parent()
        call("mount", b"proc", b"/proc", b"proc", _NOSUID | _NODEV | _NOEXEC, None)
        # Namespaces have their names in /run/netns; the machine's own /run is not ours to write.
        call("mount", b"halfopen", b"/run", b"tmpfs", 0, b"mode=755")
        asyncio.run(serve())
    except BaseException as error:
        _say(error)
    os._exit(0)


def _settle(request: int) -> None:
    """Have the environment and the directory that the caller has now."""
    with os.fdopen(request) as file:
        wanted = json.load(file)
    os.environ.clear()
    os.environ.update(wanted["env"])
    os.chdir(wanted["cwd"])


def _leave() -> None:
    """Leave the machine's namespaces; an ordinary user needs a user namespace for it."""
    user, group = os.geteuid(), os.getegid()
    call("unshare", _NEWNS | _NEWPID | _NEWNET | (_NEWUSER if user else 0))
    if user:
        own = Path("/proc/self")
        (own / "setgroups").write_text("deny")  # else groups may not be mapped: user_namespaces(7)
        (own / "uid_map").write_text(f"0 {user} 1")
        (own / "gid_map").write_text(f"0 {group} 1")
    call("mount", b"none", b"/", None, _REC | _PRIVATE, None)


def _die_with_parent() -> None:
    call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _say(error: BaseException) -> None:
    os.write(2, f"{type(error).__name__}: {error}\n".encode())


if __name__ == "__main__":
    main()
