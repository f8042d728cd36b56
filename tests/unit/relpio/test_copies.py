"""Every message to several receivers, each with a queue of its own."""

from __future__ import annotations

import asyncio
import subprocess
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relpio import Pipeline, QueueSettings, SenderSettings, TcpAddress, open_queues
from relpio.command.main import main
from relpio.copies import Copies
from relpio.errors import InputError
from relpio.inputs.base import Deliver, Flow, Input

from .doubles import QUICK, Memory, numbered, receiving, run

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import RelpioProcess, Tools

    Start = Callable[..., RelpioProcess]


class Source:
    """An input that delivers its messages, and then ends, fails or stays."""

    name = "source"
    flow: Flow = "full"
    received = 0

    def __init__(self, messages: Sequence[bytes], end: str = "ends") -> None:
        self.messages = messages
        self.end = end

    def close(self) -> None:
        """Nothing to let go of."""

    async def run(self, deliver: Deliver) -> None:
        for message in self.messages:
            await deliver([message])
        if self.end == "fails":
            raise InputError("no more")
        if self.end == "stays":
            await asyncio.sleep(60)


def pipeline(port: int, size: int = 1000) -> Callable[[Sequence[Input]], Pipeline]:
    def make(inputs: Sequence[Input]) -> Pipeline:
        settings = SenderSettings(targets=[TcpAddress("127.0.0.1", port)], backoff=QUICK)
        queues = open_queues(QueueSettings(size=size))
        return Pipeline(settings, queues, inputs, shutdown_timeout=0.3)

    return make


@pytest.mark.parametrize("end", ["ends", "fails", "stays"])
def test_all_get_all_however_the_inputs_end(end: str, tools: type[Tools]) -> None:
    async def work() -> None:
        outputs = [Memory(), Memory(), Memory()]
        expected = {message + b"\n" for message in (*numbered(30), b"other")}
        async with (
            receiving(outputs[0]) as a,
            receiving(outputs[1]) as b,
            receiving(outputs[2]) as c,
        ):
            copies = Copies([Source(numbered(30), end), Source([b"other"])])
            first = pipeline(a.address[1])(copies.inputs)
            for other in (b, c):
                copies.add(pipeline(other.address[1]))
            stop = asyncio.Event()
            running = asyncio.gather(first.run(stop), copies.run(stop))
            if end == "stays":
                done = lambda: all(len(o.data.splitlines()) == 31 for o in outputs)  # noqa: E731
                await tools.eventually(done)
                stop.set()
            fault, _ = await running
            assert (fault is not None) == (end == "fails")
            for each in outputs:
                assert set(each.data.splitlines(keepends=True)) == expected
            assert [each.report() for each in (first, *copies.pipelines)] == [0, 0, 0]

    run(work)


def test_a_receiver_that_is_away_holds_up_the_inputs_only_when_its_queue_is_full(
    tools: type[Tools],
) -> None:
    async def work() -> None:
        output = Memory()
        async with receiving(output) as receiver:
            copies = Copies([Source(numbered(100))])
            first = pipeline(receiver.address[1])(copies.inputs)
            away = copies.add(pipeline(tools.free_port(), size=40))
            stop = asyncio.Event()
            running = asyncio.gather(first.run(stop), copies.run(stop))
            await tools.eventually(lambda: len(output.data.splitlines()) >= 30)
            await asyncio.sleep(0.1)
            assert len(output.data.splitlines()) <= 41
            stop.set()
            await running
            assert first.report() == 0
            assert away.report() >= 30  # not delivered, and not on disk

    run(work)


def test_each_receiver_gets_what_came_while_it_was_away(
    relpio: Start, tmp_path: Path, tools: type[Tools]
) -> None:
    outputs = [tmp_path / "a", tmp_path / "b"]
    here = relpio("receive", "--listen", "127.0.0.1:0", "--output", str(outputs[0]))
    port = tools.free_port()
    metrics = tools.free_port()
    arguments = (
        "send", "--target", f"127.0.0.1:{here.wait_event('listening')['port']}", "--copy-to",
        f"127.0.0.1:{port}", "--queue-type", "disk", "--queue-spool-directory", str(tmp_path),
        "--queue-filename", "out", "--backoff", "0.1/0.1", "--shutdown-timeout", "0.5",
        "--metrics-listen", f"127.0.0.1:{metrics}",
    )  # fmt: skip
    sender = relpio(*arguments, stdin=subprocess.PIPE)
    sender.feed(b"one\ntwo\n")
    tools.wait_until(lambda: outputs[0].exists() and outputs[0].read_bytes() == b"one\ntwo\n")
    with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    assert 'relpio_queue_messages{queue="queue"} 0' in text
    assert f'relpio_queue_messages{{copy="127.0.0.1:{port}",queue="queue"}} 2' in text
    assert sender.terminate() == 0  # what is on disk is not lost
    assert {event.get("copy") for event in sender.events("kept")} == {f"127.0.0.1:{port}"}
    assert (tmp_path / f"out-127.0.0.1_{port}").is_dir()

    later = relpio("receive", "--listen", f"127.0.0.1:{port}", "--output", str(outputs[1]))
    later.wait_event("listening")
    again = relpio(*arguments, stdin=subprocess.PIPE)
    again.feed(b"three\n")
    assert again.wait() == 0
    assert [output.read_bytes() for output in outputs] == [b"one\ntwo\nthree\n"] * 2
    for each in (here, later):
        assert each.terminate() == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ('copy-to = "h:1"\nledger = "l"', "--ledger and --copy-to exclude each other"),
        ('copy-to = ["h:1", "h:1"]', "--copy-to h:1: given twice"),
    ],
)
def test_what_does_not_fit(
    options: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "relpio.toml"
    config.write_text(f'[send]\ntarget = "localhost:1"\n{options}\n')
    assert main(["check-config", str(config)]) == 2
    assert words in capsys.readouterr().err
