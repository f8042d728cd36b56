"""Starts what captures the links, and ends it in order."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from halfopen.errors import LabError
from halfopen.model.records import CaptureRecord, Recorder
from halfopen.model.topology import HostNetwork, links
from halfopen.pcap.files import SUFFIX

_PATIENCE_S = 30.0


class Captures:
    """The captures of one run, by a process (:mod:`halfopen.probes.capture`).

    Args:
        emit: takes the records.
    """

    def __init__(self, emit: Recorder) -> None:
        self._emit = emit
        self._process: asyncio.subprocess.Process | None = None

    async def begin(self, directory: Path, networks: Mapping[str, HostNetwork]) -> None:
        """Capture every link into a file `LEFT-RIGHT.pcapng` in a directory that is there.

        Raises:
            LabError: if it cannot be done, with what the process said.
        """
        orders = [
            {
                "namespace": left,
                "interface": networks[left].towards(right).name,
                "host": left,
                "neighbour": right,
                "file": str(directory / f"{left}-{right}{SUFFIX}"),
            }
            for left, right in links(networks)
        ]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "halfopen.probes.capture",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(orders).encode() + b"\n")
        try:
            async with asyncio.timeout(_PATIENCE_S):
                answer = await self._process.stdout.readline()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            answer = b""
        if not answer:
            assert self._process.stderr is not None
            said = (await self._process.stderr.read())[-2000:].decode(errors="replace")
            raise LabError(f"cannot capture on the links: {said}")
        for order in orders:
            self._emit(
                CaptureRecord(
                    kind="capture",
                    host=order["host"],
                    neighbour=order["neighbour"],
                    file=Path(order["file"]).name,
                    realtime_s=time.time(),
                )
            )

    async def end(self) -> None:
        """Write what there still is, and wait until it is written."""
        if self._process is None or self._process.stdin is None:
            return
        self._process.stdin.close()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
