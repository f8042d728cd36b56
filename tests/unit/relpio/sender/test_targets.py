"""Several targets, rebind, and the time that an attempt to connect has."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relpio import BackoffPolicy
from relpio.net.addresses import TcpAddress

from ..doubles import QUICK, Events, numbered, run
from .peer import Server, sending

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import Tools


def test_a_unix_socket_is_a_target(tmp_path: Path) -> None:
    async def main() -> None:
        server = Server()
        async with server.at(tmp_path / "relp") as target, sending(target) as sender:
            await sender.put(numbered(100))
            await sender.drain()
        assert server.messages == numbered(100)

    run(main)


def test_the_next_target_takes_over_at_once(tools: type[Tools]) -> None:
    async def main() -> None:
        first, second, log = Server(), Server(), Events()
        dead = TcpAddress("127.0.0.1", tools.free_port())
        slow = BackoffPolicy(60.0, 60.0)  # so a back-off between two targets would be noticed
        async with (
            first.at() as one,
            second.at() as two,
            sending(dead, one, two, log=log, backoff=slow) as sender,
        ):
            await sender.put(numbered(10))
            await sender.drain()
            first.cut()
            await sender.put(numbered(5))
            await sender.drain()
        assert first.messages == numbered(10)
        assert second.messages == numbered(5)
        assert log.of("session-lost")[0]["reason"] == "connect-failed"
        assert log.of("backoff") == []

    run(main)


def test_after_the_last_target_comes_the_back_off(tools: type[Tools]) -> None:
    async def main() -> None:
        log = Events()
        dead = [TcpAddress("127.0.0.1", tools.free_port()) for _ in range(2)]
        async with sending(*dead, log=log):
            await tools.eventually(lambda: len(log.of("backoff")) >= 2)
        names = [name for name, _ in log.records if name in ("session-lost", "backoff")]
        assert names[:6] == ["session-lost", "session-lost", "backoff"] * 2

    run(main)


def test_it_goes_back_to_the_first_target_in_order(tools: type[Tools]) -> None:
    async def main() -> None:
        first, second, log = Server(), Server(), Events()
        port = tools.free_port()
        async with second.at() as two:
            targets = (TcpAddress("127.0.0.1", port), two)
            async with sending(*targets, log=log, fail_back=0.05) as sender:
                await sender.put([b"to the second"])
                await sender.drain()
                async with first.at(port):
                    await tools.eventually(lambda: first.now == 1)
                    await sender.put([b"to the first"])
                    await sender.drain()
        assert (second.messages, first.messages) == ([b"to the second"], [b"to the first"])
        assert log.of("fail-back")
        assert {event["reason"] for event in log.of("session-lost")} == {"connect-failed"}

    run(main)


def test_a_session_in_which_something_was_acknowledged_ends_the_doubling(
    tools: type[Tools],
) -> None:
    async def main() -> None:
        server, log = Server(), Events()
        async with server.at() as address, sending(address, log=log) as sender:
            for number in range(8):
                await sender.put([b"%d" % number])
                await tools.eventually(lambda: len(server.messages) > number)  # noqa: B023
                await tools.eventually(lambda: not sender.unacknowledged)
                server.cut()
                await tools.eventually(lambda: len(log.of("backoff")) > number)  # noqa: B023
        longest = max(each["seconds"] for each in log.of("backoff"))
        assert longest <= QUICK.first, "each loss came after a success"

    run(main)


def test_an_attempt_to_connect_has_its_time(
    tools: type[Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(host: str, port: int) -> list[tuple[str, int]]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr("relpio.sender.worker.resolve", never)

    async def main() -> None:
        log = Events()
        async with sending(TcpAddress("silent", 1), log=log, connect_timeout=0.05):
            await tools.eventually(lambda: bool(log.of("session-lost")), 5)
        assert log.of("session-lost")[0]["detail"] == "no connection within 0.05 s"

    run(main)


def test_a_session_is_made_anew_after_so_many_messages() -> None:
    async def main() -> None:
        server, log = Server(), Events()
        async with (
            server.at() as target,
            sending(target, log=log, rebind_interval=7) as sender,
        ):
            await sender.put(numbered(30))
            await sender.drain()
        assert server.messages == numbered(30)
        assert [len(session) for session in server.sessions if session] == [7, 7, 7, 7, 2]
        assert log.of("session-lost") == []

    run(main)
