"""Inside the sandbox: does something in the network namespace of a host.

A namespace belongs to a thread (setns(2)), and what a thread of a pool has entered it would never
leave; so each time it is a thread of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from halfopen.probes import namespaces

T = TypeVar("T")


def inside(host: str, work: Callable[[], T]) -> T:
    """What `work` returns when it is called in the namespace of `host`; waits for it.

    Raises:
        OSError: if there is no such namespace.
        Exception: that of `work`.
    """
    done: list[T] = []
    failed: list[Exception] = []

    def run() -> None:
        try:
            namespaces.enter(host)
            done.append(work())
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=run, name=f"inside {host}")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]
