"""Says how many connections a port holds, whenever that changes: `python -m connections PORT`.

It shares the network of the container that it looks at, and needs no privilege for it.
"""

from __future__ import annotations

import functools
import sys
import time

import psutil

_say = functools.partial(print, flush=True)


def established(port: int) -> int:
    """How many connections from elsewhere to a port this network namespace thinks are alive."""
    return sum(
        each.status == psutil.CONN_ESTABLISHED
        and each.laddr[1:] == (port,)
        and not (each.raddr.ip if each.raddr else "").startswith("127.")
        for each in psutil.net_connections("tcp")
    )


def main() -> None:
    """Look four times a second."""
    port, seen = int(sys.argv[1]), -1
    while True:
        if (now := established(port)) != seen:
            _say(f"port {port} holds {now} connections")
            seen = now
        time.sleep(0.25)


if __name__ == "__main__":
    main()
