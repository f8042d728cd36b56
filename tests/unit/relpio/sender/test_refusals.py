"""One message that a server will not have stops nobody else."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from relpio import BackoffPolicy, ClientSettings, LossReason, MemoryQueue, ServerConnection

from ..conftest import Tools
from ..doubles import QUICK, Events, numbered, run
from .peer import Server, sending

SLOW = BackoffPolicy(60.0, 60.0)


def refusing(taken: list[bytes], refused: bytes = b"POISON") -> Server:
    def answer(core: ServerConnection, message: bytes) -> None:
        if message == refused:
            core.refuse("no")
        else:
            taken.append(message)
            core.acknowledge(1)

    return Server(answer)


def test_a_refused_message_waits_by_itself_while_others_go_on(tools: type[Tools]) -> None:
    async def main() -> None:
        taken, log = list[bytes](), Events()
        session = ClientSettings(window=10)
        async with (
            refusing(taken).at() as target,
            sending(target, log=log, backoff=SLOW, session=session) as sender,
        ):
            await sender.put([b"POISON", *numbered(3000)])
            await tools.eventually(lambda: sender.acked == 3000)
            assert taken == numbered(3000)
            assert (sender.acked, sender.refused) == (3000, 1)
            assert log.of("backoff") == []
            assert log.lost == []
            (nack,) = log.of("nack")
            assert (nack["message"], nack["code"]) == (1, 500)
            assert 30 <= nack["retry_seconds"] <= 60

    run(main)


def test_what_still_waits_at_the_end_is_given_back(tools: type[Tools]) -> None:
    async def main() -> None:
        queue, taken = MemoryQueue(10), list[bytes]()
        async with (
            refusing(taken).at() as target,
            sending(target, queue=queue, backoff=SLOW) as sender,
        ):
            await sender.put([b"POISON", b"a"])
            await tools.eventually(lambda: bool(taken and sender.refused))
        assert (len(queue), queue.ready) == (1, 1)

    run(main)


def test_a_server_that_refuses_everything_makes_the_session_wait(
    tools: type[Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relpio.sender.refusals.MOST_HELD", 5)

    async def main() -> None:
        log = Events()
        server = Server(lambda core, _: core.refuse("disk full"))
        async with (
            server.at() as target,
            sending(target, log=log, backoff=SLOW, session=ClientSettings(window=2)) as sender,
        ):
            await sender.put(numbered(100))
            await tools.eventually(lambda: bool(log.of("backoff")))
            await asyncio.sleep(0.05)
            assert sender.refused <= 8

    run(main)


@pytest.mark.parametrize("answers_first", [False, True])
def test_a_message_that_makes_the_server_hang_up_is_found_and_becomes_a_dead_letter(
    tmp_path: Path, answers_first: bool
) -> None:
    taken: list[bytes] = []

    def answer(core: ServerConnection, message: bytes) -> None:
        if message == b"POISON":
            core.cut()
        elif core.unacknowledged:
            taken.append(message)
            core.acknowledge(1)

    def answer_none(core: ServerConnection, message: bytes) -> None:
        # Nothing of what came together with it is answered: only alone it can be told apart.
        if message == b"POISON":
            core.cut()
        elif message not in taken:
            batch.append(message)

    batch: list[bytes] = []

    class Batches(Server):
        def _take(self, core: ServerConnection, own: list[bytes]) -> bool:
            batch.clear()
            over = super()._take(core, own)
            if not over and core.unacknowledged:
                taken.extend(batch)
                core.acknowledge(core.unacknowledged)
            return over

    async def main() -> None:
        server = Server(answer) if answers_first else Batches(answer_none)
        messages = numbered(200)
        messages.insert(77, b"POISON")
        log, path = Events(), tmp_path / "dead"
        async with (
            server.at() as target,
            sending(target, log=log, nack_retries=1, dead_letters=path, backoff=QUICK) as sender,
        ):
            await sender.put(messages)
            async with asyncio.timeout(20):
                await sender.drain()
            assert (sender.acked, sender.dead) == (200, 1)
        assert set(taken) == set(numbered(200))
        (letter,) = map(json.loads, path.read_text().splitlines())
        assert (letter["message"], letter["code"]) == ("POISON", 0)
        assert "ends the session" in letter["text"]
        assert {event["reason"] for event in log.of("session-lost")} <= {
            LossReason.SERVERCLOSE.value, LossReason.EOF.value, LossReason.RESET.value,
        }  # fmt: skip

    run(main)


def test_a_server_that_hangs_up_at_everything_makes_no_dead_letters(
    tmp_path: Path, tools: type[Tools]
) -> None:
    async def main() -> None:
        server = Server(lambda core, _: core.cut())
        path, log = tmp_path / "dead", Events()
        async with (
            server.at() as target,
            sending(target, log=log, nack_retries=0, dead_letters=path, backoff=QUICK) as sender,
        ):
            await sender.put(numbered(5))
            await tools.eventually(lambda: len(log.lost) >= 15)
            assert sender.dead == 0

    run(main)
