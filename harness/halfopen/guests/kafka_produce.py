"""A producer by librdkafka: lines from standard input become messages of one topic.

`python -m halfopen.guests.kafka_produce --to HOST:PORT --topic T --ledger FILE`

The ledger gets `accepted N` when librdkafka has taken line N into its queue, and `acked N` when
its delivery report says that the broker has it.  On standard error, JSON Lines: `ready` once the
topic has a leader, `failed` for a message that librdkafka gave up.  `--set KEY=VALUE` is a setting
of librdkafka.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from pathlib import Path
from queue import Empty, Queue
from typing import IO

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer

_POLL_S = 0.02
_START_S = 120.0
_FLUSH_S = 3.0


def say(event: str, **more: object) -> None:
    """Write an event to standard error."""
    sys.stderr.write(json.dumps({"t": time.time(), "event": event, **more}) + "\n")
    sys.stderr.flush()


def settings(pairs: list[str]) -> dict[str, str]:
    """`KEY=VALUE` arguments as librdkafka takes them."""
    return dict(pair.split("=", 1) for pair in pairs)


def ask_topic(client: Producer | Consumer, topic: str) -> str | None:
    """Ask the broker for a topic, which makes it if the broker is set so; None if it has a leader.

    Returns:
        What is wrong otherwise.
    """
    try:
        found = client.list_topics(topic, timeout=2.0).topics[topic]
    except KafkaException as error:
        return str(error)
    if found.error is None and any(each.leader >= 0 for each in found.partitions.values()):
        return None
    return f"no leader ({found.error})"


def await_topic(client: Producer | Consumer, topic: str, patience: float) -> None:
    """Wait until a topic has a leader.

    Raises:
        SystemExit: if it has none after `patience` seconds.
    """
    until = time.monotonic() + patience
    while (trouble := ask_topic(client, topic)) is not None:
        if time.monotonic() > until:
            raise SystemExit(f"the topic {topic} is not there after {patience:g} s: {trouble}")
        time.sleep(_POLL_S)


class Sender:
    """Numbers lines, hands them to librdkafka and keeps the ledger.

    Args:
        client: of librdkafka.
        topic: of all messages.
        ledger: takes what became of them.
    """

    def __init__(self, client: Producer, topic: str, ledger: IO[str]) -> None:
        self._client = client
        self._topic = topic
        self._ledger = ledger
        self._count = 0

    def send(self, line: bytes) -> None:
        """Hand a line over; waits while librdkafka's queue is full."""
        self._count += 1
        number = self._count

        def reported(error: KafkaError | None, _: Message) -> None:
            if error is None:
                self._write("acked", number)
            else:
                say("failed", number=number, reason=error.str())

        while True:
            try:
                self._client.produce(self._topic, line, partition=0, on_delivery=reported)
                break
            except BufferError:
                self._client.poll(_POLL_S)
        self._write("accepted", number)

    def _write(self, what: str, number: int) -> None:
        self._ledger.write(f"{what} {number}\n")
        self._ledger.flush()


def read_lines(lines: Queue[bytes | None]) -> None:
    """Thread body: lines of standard input, then None."""
    for line in sys.stdin.buffer:
        lines.put(line.removesuffix(b"\n"))
    lines.put(None)


def main() -> None:
    """Run until standard input ends, or SIGTERM comes."""
    parser = argparse.ArgumentParser(prog="halfopen.guests.kafka_produce")
    parser.add_argument("--to", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    client = Producer({"bootstrap.servers": options.to, **settings(options.set)})
    await_topic(client, options.topic, _START_S)
    say("ready")
    lines: Queue[bytes | None] = Queue(maxsize=10_000)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=read_lines, args=(lines,), daemon=True).start()
    try:
        with options.ledger.open("a", encoding="ascii") as ledger:
            sender = Sender(client, options.topic, ledger)
            while True:
                client.poll(0)
                try:
                    line = lines.get(timeout=_POLL_S)
                except Empty:
                    continue
                if line is None:
                    break
                sender.send(line)
            client.flush(_FLUSH_S)
    finally:
        say("ended", unacked=len(client))


if __name__ == "__main__":
    main()
