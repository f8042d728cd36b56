"""Inside a host: sends messages at a steady rate through the API, and prints the time to the ack.

Arguments: host and port of the receiver, messages a second, seconds.
Prints the 99th percentile and the median of the time from `put` to `rsp 200`, in milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence

from bench.subjects import SIZE
from relpio import ClientSettings, MemoryQueue, Sender, SenderSettings
from relpio.net.addresses import TcpAddress

_TICK = 0.002
_WARM_UP_S = 1.0


async def measure(host: str, port: int, rate: float, seconds: float) -> list[float]:
    """Seconds from put to acknowledgement of every message after the warm-up."""
    put: list[float] = [0.0]
    took: list[float] = []
    message = (b"<134>1 - host app - - - " + b"x" * SIZE)[:SIZE]
    begun = time.monotonic()

    def acked(numbers: Sequence[int]) -> None:
        now = time.monotonic()
        took.extend(now - put[n] for n in numbers if put[n] - begun > _WARM_UP_S)

    settings = SenderSettings(targets=[TcpAddress(host, port)], session=ClientSettings(window=1000))
    queue = MemoryQueue(1_000_000)
    async with Sender(settings, queue=queue, on_acked=acked) as sender:
        sent = 0
        while (now := time.monotonic()) - begun < seconds:
            due = int((now - begun) * rate) - sent
            put.extend([now] * due)
            await sender.put([message] * due)
            sent += due
            await asyncio.sleep(_TICK)
        await sender.drain()
    return took


def main() -> None:
    """Print the percentiles as JSON."""
    host, port, rate, seconds = sys.argv[1:]
    took = sorted(asyncio.run(measure(host, int(port), float(rate), float(seconds))))
    figures = {"p99": took[int(len(took) * 0.99)] * 1000, "p50": took[len(took) // 2] * 1000}
    print(json.dumps({**figures, "messages": len(took)}))


if __name__ == "__main__":
    main()
