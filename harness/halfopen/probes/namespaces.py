"""Network namespaces by name, and how a thread enters one.

A namespace belongs to a thread (setns(2)).  Three ways lead into one: :func:`enter` for a thread
that lives there from then on; :func:`run_in` for a piece of work of whoever calls, an event loop
included, since it takes a thread of its own; :func:`visiting` for a block in a thread that does
nothing else meanwhile, which spares that thread.

Names are files below `/run/netns`, as ip-netns(8) has them, on each of which a namespace is
mounted: so it stays while nobody lives in it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

NAMESPACES = Path("/run/netns")

_CLONE_NEWNET = 0x40000000  # include/uapi/linux/sched.h
_MS_BIND = 4096  # include/uapi/linux/mount.h
_libc = ctypes.CDLL(None, use_errno=True)

T = TypeVar("T")


def create(name: str) -> None:
    """Make a namespace of that name; nobody lives in it yet.

    Raises:
        OSError: if the kernel refuses, or there is one already.
    """

    def make() -> None:
        call("unshare", _CLONE_NEWNET)
        keep(Path("/proc/thread-self/ns/net"), name)

    # The thread that makes it is in it, and ends with that.
    _in_a_thread(f"maker of {name}", make)


def keep(namespace: Path, name: str) -> None:
    """Give a namespace that is there, such as `/proc/PID/ns/net`, a name.

    Raises:
        OSError: if the kernel refuses, or the name is taken.
    """
    place = NAMESPACES / name
    place.touch(exist_ok=False)
    bind(namespace, place)


def bind(source: Path, target: Path) -> None:
    """Show `source` at `target` too, as `mount --bind` does, without a process for it.

    Raises:
        OSError: if the kernel refuses.
    """
    call("mount", os.fsencode(source), os.fsencode(target), None, _MS_BIND, None)


def enter(name: str) -> None:
    """Move the calling thread into a namespace, for good.

    Raises:
        OSError: if there is none of that name.
    """
    with (NAMESPACES / name).open("rb") as namespace:
        enter_open(namespace.fileno())


def enter_open(namespace: int) -> None:
    """Move the calling thread into the namespace of an open file descriptor.

    Raises:
        OSError: if it is none.
    """
    call("setns", namespace, _CLONE_NEWNET)


def run_in(name: str, work: Callable[[], T]) -> T:
    """What `work` returns when it is called in the namespace of that name; waits for it.

    It runs in a thread of its own: one of a pool would never leave what it has entered.

    Raises:
        OSError: if there is no such namespace.
        Exception: that of `work`.
    """

    def inside() -> T:
        enter(name)
        return work()

    return _in_a_thread(f"in {name}", inside)


def _in_a_thread(title: str, work: Callable[[], T]) -> T:
    done: list[T] = []
    failed: list[Exception] = []

    def run() -> None:
        try:
            done.append(work())
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=run, name=title)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]


@contextlib.contextmanager
def visiting(name: str) -> Iterator[None]:
    """Run the block in the namespace of that name, and come back.

    Only for threads that do nothing else meanwhile: a namespace belongs to the thread, and whatever
    an event loop did would happen in the wrong one.

    Raises:
        OSError: if there is none of that name.
    """
    with Path("/proc/thread-self/ns/net").open("rb") as home:
        enter(name)
        try:
            yield
        finally:
            enter_open(home.fileno())


def call(function: str, *arguments: object) -> None:
    """Call a function of libc that answers 0 if all is well.

    Raises:
        OSError: if it does not.
    """
    if getattr(_libc, function)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")
