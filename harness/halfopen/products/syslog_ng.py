"""syslog-ng: where it is, installed or unpacked, and how it is run by an ordinary user."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from halfopen.fields import Keepalive, KeepaliveTimers
from halfopen.ports import Product, ProgramSpec, Ready, SystemContext
from halfopen.products.found import find_program
from halfopen.products.images import our_image

PORT = 514
IMAGE = our_image("syslog-ng")
"""Ours, for labs of containers (compose/images)."""
_DEBIAN = "3.38"  # what Debian 12 has, and so the image
DEFAULT_KEEPALIVE = KeepaliveTimers(idle=60.0, interval=10.0, probes=6)
"""What syslog-ng asks for by itself (its lib/afsocket, socket-options-inet.c)."""

_REMEDY = (
    "apt-get install syslog-ng-core; to keep rsyslog beside it, unpack that package and its "
    "dependencies into the directory `syslog-ng` of the Python environment"
)


def program() -> str | None:
    """The absolute path: what is installed, else what was unpacked into the environment."""
    return find_program("syslog-ng") or find_program(f"{sys.prefix}/syslog-ng/usr/sbin/syslog-ng")


def _root(binary: str) -> Path:
    """Below which it and its modules lie; the machine's own for one that is looked up."""
    return Path(binary).parents[2] if "/" in binary else Path("/")


def environment(binary: str) -> dict[str, str]:
    """Where one that was unpacked finds its libraries; nothing for one that is installed."""
    root = _root(binary)
    if root == Path("/"):
        return {}
    places = [*root.glob("usr/lib/syslog-ng"), *root.glob("usr/lib/*-linux-*")]
    places += root.glob("lib/*-linux-*")
    return {"LD_LIBRARY_PATH": os.pathsep.join(map(str, places))}


@cache
def version() -> str | None:
    """Such as `3.38.1`; None if there is none, or it does not run."""
    binary = program()
    if binary is None:
        return None
    done = subprocess.run(
        [binary, "--version"],
        capture_output=True,
        text=True,
        env={**os.environ, **environment(binary)},
        stdin=subprocess.DEVNULL,
        timeout=20,
        check=False,
    )
    found = re.search(r"\((\d[\w.]*)\)", done.stdout)
    return found[1] if found else None


def missing() -> Sequence[str]:
    """What there is not, with its remedy."""
    return () if version() else (f"syslog-ng is not installed: {_REMEDY}",)


PRODUCT = Product("syslog-ng", _REMEDY, version)


def keepalive_options(keepalive: Keepalive) -> str:
    """Of a `network()` source or destination."""
    if keepalive is None:
        return "so-keepalive(no)"
    return (
        f"so-keepalive(yes) tcp-keepalive-time({keepalive.idle:.0f}) "
        f"tcp-keepalive-intvl({keepalive.interval:.0f}) tcp-keepalive-probes({keepalive.probes})"
    )


def syslog_ng(name: str, context: SystemContext, lines: Sequence[str], ready: Ready) -> ProgramSpec:
    """A syslog-ng in the foreground, without privileges; feed and output are its caller's."""
    binary = "syslog-ng" if context.contained else program() or "syslog-ng"
    notes = Path(context.ledger_directory or context.directory)
    configuration = f"{notes}/{name}.conf"
    major, minor, *_ = ((not context.contained and version()) or _DEBIAN).split(".")
    text = "\n".join([f"@version: {major}.{minor}", "options { stats-freq(0); };", *lines]) + "\n"
    root = _root(binary)
    modules = [str(path) for path in root.glob("usr/lib/syslog-ng/*.*") if path.is_dir()]
    return ProgramSpec(
        name=name,
        argv=(
            *(binary, "--foreground", "--no-caps", "--cfgfile", configuration),
            *("--persist-file", f"{context.directory}/{name}.persist"),
            *("--control", f"{context.sockets}/halfopen-{context.host}.ctl"),
            *("--pidfile", f"{notes}/{name}.pid"),
            *((f"--module-path={os.pathsep.join(modules)}",) if root != Path("/") else ()),
        ),
        env=environment(binary),
        ready=ready,
        framing="header",
        rewrites=True,
        files={configuration: text},
    )
