"""Inside a sandbox: plays the cases on one engine, side by side, and prints what became of them.

Argument: the engine.  Prints `{case: problem}` as JSON; an empty problem is none.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from halfopen.errors import UnsupportedError
from halfopen.labs.agent import network
from tests.conformance.cases import CASES, Case
from tests.conformance.kernels import KERNEL_CASES
from tests.conformance.street import MissedError
from tests.conformance.wires import WireStreet

_AT_ONCE = 24
_ATTEMPTS = 6
_BEAT_S = 0.05
_STALL_S = 0.2


class Pulse(threading.Thread):
    """Watches how late the machine lets a thread run: a case that stalled proves nothing.

    Nor does one in which the machine dropped packets that waited for a processor.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._stalls: list[float] = []
        self._dropped = _dropped_packets()

    def run(self) -> None:
        """Beat forever."""
        while True:
            due = time.monotonic() + _BEAT_S
            time.sleep(_BEAT_S)
            if time.monotonic() - due > _STALL_S:
                self._stalls.append(time.monotonic())
            if self._dropped != (dropped := _dropped_packets()):
                self._dropped = dropped
                self._stalls.append(time.monotonic())

    def stalled(self, since: float) -> bool:
        """Whether the machine has stood still, or dropped a packet, since then."""
        return self._dropped != _dropped_packets() or any(
            moment >= since for moment in self._stalls
        )


def _dropped_packets() -> int:
    """Packets that found the backlog of a processor full, whosever they were.

    Source: net/core/net-procfs.c, softnet_seq_show.
    """
    lines = Path("/proc/net/softnet_stat").read_text().splitlines()
    return sum(int(line.split()[1], 16) for line in lines)


def _attempts(engine: str, number: int, case: Case, pulse: Pulse) -> str:
    for attempt in range(_ATTEMPTS):
        begun = time.monotonic()
        try:
            _play(engine, f"{number}-{attempt}", case)
        except MissedError:
            continue
        except Exception:
            if not pulse.stalled(begun):
                return traceback.format_exc()
            continue
        return ""
    return f"missed its moments {_ATTEMPTS} times: the machine is too busy"


def _play(engine: str, prefix: str, case: Case) -> None:
    try:
        street = WireStreet(engine, prefix, case.values, case.verbs)
    except UnsupportedError:
        assert engine in case.cannot, f"{engine} must be able to play this"
        return
    assert engine not in case.cannot, f"{engine} is said to be unable to play this, and does"
    case.play(street)
    street.close()


def main() -> None:
    """Play everything."""
    engine = sys.argv[1]
    network.NAMESPACES.mkdir(parents=True, exist_ok=True)
    pulse = Pulse()
    pulse.start()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = {
            name: pool.submit(_attempts, engine, number, case, pulse)
            for number, (name, case) in enumerate(CASES.items())
        }
        for number, (name, play) in enumerate(KERNEL_CASES.items()):
            found[name] = pool.submit(_kernel, engine, f"k{number}", play)
        json.dump({name: each.result() for name, each in found.items()}, sys.stdout)


def _kernel(engine: str, prefix: str, play: object) -> str:
    try:
        play(engine, prefix)  # type: ignore[operator]
    except Exception:
        return traceback.format_exc()
    return ""


if __name__ == "__main__":
    main()
