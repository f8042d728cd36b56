"""Serves metrics over HTTP, and writes them to a file.

The server knows one page. It reads a request line and headers of 8 KiB at most within five
seconds, answers, and closes; it has 16 connections at most, so that whoever finds the port can
take neither memory nor descriptors from the real work.
"""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

from relpio.logs import Log
from relpio.metrics.exposition import CONTENT_TYPE, json_text, prometheus_text
from relpio.metrics.registry import Registry

__all__ = ["MetricsFile", "MetricsServer"]

_MAX_CONNECTIONS = 16
_MAX_REQUEST = 8192
_TIME_LIMIT = 5.0
_ACCEPT_RETRY = 1.0
_PATHS = ("/", "/metrics")


class MetricsServer:
    """Answers `GET /metrics` on a listening socket."""

    def __init__(self, sock: socket.socket, registry: Registry) -> None:
        """Serve on `sock`, which is bound (TCP or Unix), not blocking and not yet listening."""
        self._sock = sock
        self._registry = registry
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._retry: asyncio.TimerHandle | None = None
        sock.listen(_MAX_CONNECTIONS)
        self._watch()

    async def close(self) -> None:
        """Stop, and cut connections that are open."""
        if self._retry is not None:
            self._retry.cancel()
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _watch(self) -> None:
        self._retry = None
        self._loop.add_reader(self._sock.fileno(), self._accept)

    def _accept(self) -> None:
        try:
            sock, _ = self._sock.accept()
        except (BlockingIOError, ConnectionError):
            return
        except OSError:  # out of descriptors: look again later, do not spin
            self._loop.remove_reader(self._sock.fileno())
            self._retry = self._loop.call_later(_ACCEPT_RETRY, self._watch)
            return
        if len(self._tasks) >= _MAX_CONNECTIONS:
            sock.close()
            return
        sock.setblocking(False)
        task = self._loop.create_task(self._serve(sock))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, sock: socket.socket) -> None:
        with sock:
            try:
                async with asyncio.timeout(_TIME_LIMIT):
                    await self._loop.sock_sendall(sock, self._answer(await self._request(sock)))
            except (OSError, TimeoutError):
                pass  # a scraper that is gone, or too slow

    async def _request(self, sock: socket.socket) -> list[str]:
        """Return the words of the request line; none when it is no HTTP."""
        head = b""
        while b"\r\n\r\n" not in head and b"\n\n" not in head:
            data = await self._loop.sock_recv(sock, 4096)
            head += data
            if not data or len(head) > _MAX_REQUEST:
                return []
        return head.split(b"\n", 1)[0].decode("latin-1").split()

    def _answer(self, request: list[str]) -> bytes:
        if len(request) != 3 or not request[2].startswith("HTTP/"):
            return _response("400 Bad Request", "not a request of HTTP/1\n")
        method, target, _ = request
        if method not in ("GET", "HEAD"):
            return _response("405 Method Not Allowed", "GET or HEAD\n", "Allow: GET, HEAD\r\n")
        if target.partition("?")[0] not in _PATHS:
            return _response("404 Not Found", "the metrics are at /metrics\n")
        answer = _response("200 OK", prometheus_text(self._registry))
        return answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if method == "HEAD" else answer


class MetricsFile:
    """Writes the metrics to a file, again and again; readers see a whole one at any time."""

    def __init__(self, path: Path, seconds: float, registry: Registry, log: Log) -> None:
        """Write to `path` every `seconds`, the first time when `run` starts."""
        self._path = path
        self._seconds = seconds
        self._registry = registry
        self._log = log
        self._failing = False

    async def run(self) -> None:
        """Write until cancelled, and once more then."""
        try:
            while True:
                self.write()
                await asyncio.sleep(self._seconds)
        finally:
            self.write()

    def write(self) -> None:
        """Write now. An error is logged once and tried again the next time."""
        new = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            new.write_text(json_text(self._registry))
            new.replace(self._path)
            self._failing = False
        except OSError as error:
            if not self._failing:
                self._log("metrics-error", detail=str(error))
            self._failing = True


def _response(status: str, text: str, headers: str = "") -> bytes:
    body = text.encode()
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n"
        f"{headers}Connection: close\r\n\r\n"
    ).encode() + body
