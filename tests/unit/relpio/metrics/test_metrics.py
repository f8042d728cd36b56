"""Metrics: registered once, read when asked for, served to whoever asks and to nobody for long."""

from __future__ import annotations

import asyncio
import json
import math
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relpio.metrics.export import MetricsFile, MetricsServer
from relpio.metrics.exposition import json_text, prometheus_text
from relpio.metrics.process import fd_limit, open_fds, register_process
from relpio.metrics.registry import Registry

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import Tools


def example() -> Registry:
    registry = Registry()
    registry.counter("relpio_lost_total", "Sessions lost.", reason="eof").add(2)
    registry.counter("relpio_lost_total", "Sessions lost.", reason='say "\\\n').add()
    registry.gauge("relpio_depth", "Messages\nheld.", lambda: 1.5)
    return registry


def test_prometheus_text() -> None:
    assert prometheus_text(example()) == (
        "# HELP relpio_depth Messages\\nheld.\n"
        "# TYPE relpio_depth gauge\n"
        "relpio_depth 1.5\n"
        "# HELP relpio_lost_total Sessions lost.\n"
        "# TYPE relpio_lost_total counter\n"
        'relpio_lost_total{reason="eof"} 2\n'
        'relpio_lost_total{reason="say \\"\\\\\\n"} 1\n'
    )


def test_json_has_the_same_figures() -> None:
    assert json.loads(json_text(example()))["metrics"] == [
        {"name": "relpio_depth", "type": "gauge", "labels": {}, "value": 1.5},
        {"name": "relpio_lost_total", "type": "counter", "labels": {"reason": "eof"}, "value": 2},
        {
            "name": "relpio_lost_total",
            "type": "counter",
            "labels": {"reason": 'say "\\\n'},
            "value": 1,
        },
    ]


def test_large_and_odd_numbers_keep_their_digits() -> None:
    registry = Registry()
    values = {"a": 123_456_789_012, "b": 0.25, "c": math.inf, "d": -math.inf, "e": math.nan}
    for name, value in values.items():
        registry.gauge(name, "x", lambda value=value: value)  # type: ignore[misc]
    lines = [line for line in prometheus_text(registry).splitlines() if line[0] != "#"]
    assert lines == ["a 123456789012", "b 0.25", "c +Inf", "d -Inf", "e NaN"]


def test_a_counter_is_made_once_and_a_name_has_one_kind() -> None:
    registry = Registry()
    first = registry.counter("a_total", "A.", x="1")
    assert registry.counter("a_total", "A.", x="1") is first
    assert registry.counter("a_total", "A.", x="2") is not first
    with pytest.raises(ValueError, match="is a counter"):
        registry.gauge("a_total", "A.", lambda: 0)
    for name in ("", "1a", "a-b"):
        with pytest.raises(ValueError, match="Prometheus"):
            registry.counter(name, "A.")


def test_a_counter_may_be_read_from_a_program_that_counts_already() -> None:
    registry, seen = Registry(), [3]
    registry.counter("seen_total", "Seen.", lambda: seen[0])
    assert "seen_total 3\n" in prometheus_text(registry)
    seen[0] = 4
    assert "seen_total 4\n" in prometheus_text(registry)


def test_process_figures(tmp_path: Path) -> None:
    registry = Registry()
    register_process(registry)
    figures = {family.name: family.samples[0].value for family in registry.collect()}
    assert figures["process_max_fds"] == resource.getrlimit(resource.RLIMIT_NOFILE)[0] == fd_limit()
    assert figures["process_resident_memory_bytes"] > 1_000_000
    assert figures["process_cpu_seconds_total"] > 0
    before = open_fds()
    with (tmp_path / "a").open("w"), (tmp_path / "b").open("w"):
        assert open_fds() == before + 2
    assert open_fds() == before


@asynccontextmanager
async def serving(registry: Registry) -> AsyncIterator[tuple[MetricsServer, tuple[str, int]]]:
    sock = socket.socket()
    sock.setblocking(False)
    sock.bind(("127.0.0.1", 0))
    server = MetricsServer(sock, registry)
    try:
        yield server, sock.getsockname()
    finally:
        await server.close()


async def ask(address: tuple[str, int], request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


def test_http() -> None:
    async def main() -> None:
        async with serving(example()) as (_, address):
            answer = await ask(address, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"version=0.0.4" in head
            assert b"Content-Length: %d\r\n" % len(body) in head + b"\r\n"
            assert body == prometheus_text(example()).encode()
            assert await ask(address, b"HEAD / HTTP/1.1\r\n\r\n") == head + b"\r\n\r\n"
            for request, status in (
                (b"POST / HTTP/1.1\r\n\r\n", b"405"),
                (b"GET /etc/passwd HTTP/1.1\r\n\r\n", b"404"),
                (b"1 open 0\n\n", b"400"),
                (b"x" * 9000, b"400"),
                (b"GET /?a=b HTTP/1.0\n\n", b"200"),
            ):
                assert (await ask(address, request)).split()[1] == status

    asyncio.run(main())


def test_silent_scrapers_are_few_and_do_not_stay(
    tools: type[Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with serving(example()) as (server, address):
            silent = [await asyncio.open_connection(*address) for _ in range(40)]
            await tools.eventually(lambda: len(server._tasks) == 16)
            for _, writer in silent[16:]:
                writer.close()
            monkeypatch.setattr("relpio.metrics.export._TIME_LIMIT", 0.05)
            for _, writer in silent[:1]:
                writer.close()
            await tools.eventually(lambda: len(server._tasks) < 16)
            late = await asyncio.open_connection(*address)
            assert await late[0].read() == b""  # cut without an answer
            for _, writer in [*silent[1:16], late]:
                writer.close()

    asyncio.run(main())


def test_file_is_replaced_whole_and_errors_are_said_once(
    tools: type[Tools], tmp_path: Path
) -> None:
    log: list[str] = []

    def note(event: str, /, **fields: object) -> None:
        log.append(event)

    registry, path = Registry(), tmp_path / "sub" / "metrics.json"
    counter = registry.counter("a_total", "A.")
    file = MetricsFile(path, 60.0, registry, note)
    file.write()
    file.write()
    assert log == ["metrics-error"]
    path.parent.mkdir()

    async def main() -> None:
        running = asyncio.create_task(file.run())
        await tools.eventually(path.exists)
        assert json.loads(path.read_text())["metrics"][0]["value"] == 0
        counter.add(7)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(main())
    assert json.loads(path.read_text())["metrics"][0]["value"] == 7
    assert [each.name for each in path.parent.iterdir()] == ["metrics.json"]
    assert log == ["metrics-error"]
