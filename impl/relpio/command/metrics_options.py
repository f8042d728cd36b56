"""The options about metrics, which every command that runs for long has, and what they start."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from relpio.command import values
from relpio.command.options import Option
from relpio.logs import Log
from relpio.metrics.export import MetricsFile, MetricsServer
from relpio.metrics.process import register_process
from relpio.metrics.registry import Registry
from relpio.net.addresses import Address, TcpAddress, format_address, parse_target
from relpio.net.listening import Bound, bound_socket

__all__ = ["METRICS_OPTIONS", "exporting", "listen_address"]


def listen_address(text: str) -> Address:
    """Read HOST:PORT, with port 0 for any free one, or unix:PATH."""
    if text.startswith("unix:"):
        return parse_target(text)
    return TcpAddress(*values.listen_address(text))


METRICS_OPTIONS = (
    Option(
        "metrics-listen", "metrics", listen_address, None, "ADDRESS",
        "serve metrics for Prometheus at http://ADDRESS/metrics; HOST:PORT or unix:PATH. There "
        "is no authentication: use an address that only your monitoring can reach",
    ),
    Option(
        "metrics-file", "metrics", values.path, None, "FILE",
        "write the same metrics to a JSON file periodically",
    ),
    Option(
        "metrics-interval", "metrics", values.duration, "10", "S",
        "time between two writes of that file",
    ),
)  # fmt: skip


@asynccontextmanager
async def exporting(given: argparse.Namespace, registry: Registry, log: Log) -> AsyncIterator[None]:
    """Serve and write the metrics of `registry` as the options say.

    Raises:
        OSError: the address cannot be listened on.
    """
    register_process(registry)
    async with AsyncExitStack() as stack:
        if given.metrics_listen is not None:
            bound = await bound_socket(given.metrics_listen)
            server = MetricsServer(bound.sock, registry)
            stack.push_async_callback(_stop_server, server, bound)
            where = bound.sock.getsockname()
            address = format_address(where) if isinstance(where, tuple) else f"unix:{where}"
            log("metrics-listening", address=address)
        if given.metrics_file is not None:
            file = MetricsFile(given.metrics_file, given.metrics_interval, registry, log)
            stack.push_async_callback(_stop_task, asyncio.create_task(file.run()))
        yield


async def _stop_server(server: MetricsServer, bound: Bound) -> None:
    await server.close()
    bound.close()


async def _stop_task(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
