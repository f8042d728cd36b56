"""What the middlebox's rules have dropped, read from the calling thread's network namespace."""

from __future__ import annotations

import json
import subprocess

from halfopen.middlebox.ruleset import FAMILY, LATE, TABLE


def dropped() -> tuple[int, int]:
    """Packets and octets that fitted no entry and were dropped (or rejected) so far.

    Raises:
        OSError: if `nft` cannot be asked.
    """
    done = subprocess.run(
        ["nft", "-j", "list", "counter", FAMILY, TABLE, LATE],
        capture_output=True,
        text=True,
        timeout=10,
    )
    if done.returncode:
        raise OSError(f"nft: {done.stderr.strip()}")
    for item in json.loads(done.stdout)["nftables"]:
        if "counter" in item:
            return int(item["counter"]["packets"]), int(item["counter"]["bytes"])
    raise OSError("nft lists no counter of late packets")
