"""The warp lab as the runner sees it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from halfopen.labs.agent.actions import all_actions
from halfopen.labs.agent.actions.disks import lacks_fuse, lacks_library
from halfopen.labs.agent.engines import ENGINES
from halfopen.labs.client import AgentLab
from halfopen.labs.warp.gate import END
from halfopen.labs.warp.loop import GuestLoop, running_guest_loop
from halfopen.labs.warp.machine import Machine
from halfopen.model.records import Recorder
from halfopen.ports import LabKernel, LabSpec
from halfopen.products.tools import SEARCH_PATH
from halfopen.products.uml import kernel
from halfopen.verbs import Verb

_TOOLS = {"setpriv": "util-linux", "nsenter": "util-linux", "nft": "nftables", "mount": "mount"}


class WarpLab(AgentLab):
    """One guest with the hosts of one run; it has to be used on a :class:`GuestLoop`.

    Args:
        directory: for the programs' files; made if it is not there.
        token: identity of the run's messages, see :mod:`halfopen.workloads.numbered`.
        record: called with every record, stamped with lab time.
    """

    def __init__(self, directory: Path, token: str, record: Recorder) -> None:
        super().__init__(directory, token, record)
        self._loop: GuestLoop | None = None
        self._machine: Machine | None = None
        self._words = "it was not started"

    async def __aenter__(self) -> WarpLab:
        self._loop = running_guest_loop()
        if self._loop is None:
            raise RuntimeError("the lab warp needs a loop whose time is the guest's: LabSpec.loop")
        self._directory.mkdir(parents=True, exist_ok=True)
        # The same plan has the same random numbers: its token follows from its seed.
        seed = int.from_bytes(hashlib.sha256(self._token.encode()).digest()[:8], "big")
        self._machine = Machine(self._directory, seed)
        self._loop.attach(self._machine, self._peer.take, self._died)
        try:
            await self._wait_ready("the guest could not be started")
            self.origin = self._loop.time()
            await self._ask(
                "begin", origin=self.origin, token=self._token, directory=str(self._directory)
            )
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        machine, self._machine = self._machine, None
        if machine is None:
            return
        assert self._loop is not None
        if self._loop.standing:
            machine.write(END)
            self._loop.detach()
            machine.wait()
        else:
            self._loop.detach()
            machine.end_now()

    def _died(self) -> None:
        assert self._machine is not None
        self._words = self._machine.console_tail()
        self._hung_up()

    def now(self) -> float:
        """Seconds of lab time since the run began."""
        return 0.0 if self._loop is None else self._loop.time() - self.origin

    def host_directory(self, host: str) -> Path:
        """Where the lab keeps what the programs of a host say."""
        path = self._directory / host
        path.mkdir(parents=True, exist_ok=True)
        return path

    def disk(self, host: str) -> Path:
        """Where the programs of a host have their files."""
        path = self.host_directory(host) / "disk"
        path.mkdir(exist_ok=True)
        return path

    def _write(self, line: bytes) -> None:
        assert self._loop is not None
        self._loop.say(line)

    def _stderr_tail(self) -> str:
        return self._words


def _missing() -> Sequence[str]:
    lacking = [
        f"the program {tool} is missing: install the package {package}"
        for tool, package in _TOOLS.items()
        if shutil.which(tool, path=SEARCH_PATH) is None
    ]
    return lacking or kernel.missing()


def _lacks(verb: type[Verb]) -> Sequence[str]:
    lacks = all_actions()[verb].lacks
    return lacks_library() if lacks is lacks_fuse else lacks()  # the guest has a /dev/fuse


def _knows_sysctl(_: str) -> bool:
    return True  # of the guest's kernel, which is newer than all that scenarios set


def _kernel() -> LabKernel:
    path = kernel.kernel_path()
    stamp = path.stat()
    return _kernel_at(path, stamp.st_mtime_ns, stamp.st_size)


@lru_cache(maxsize=8)
def _kernel_at(path: Path, _modified: int, _size: int) -> LabKernel:
    return LabKernel(kernel.release(path), kernel.ticks(path))


LAB = LabSpec(
    name="warp",
    summary=(
        "each run is a small Linux of its own on virtual time: production values, in seconds, the "
        "same each time; needs no root"
    ),
    scaled=False,
    verbs=frozenset(all_actions()),
    missing=_missing,
    open=WarpLab,
    lacks=_lacks,
    engines={engine.name: engine.verbs for engine in ENGINES},
    knows_sysctl=_knows_sysctl,
    loop=GuestLoop,
    kernel=_kernel,
    blind={"cpu": "on virtual time, computing takes no time"},
)
