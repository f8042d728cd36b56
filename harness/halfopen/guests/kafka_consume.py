"""A consumer by librdkafka: messages of one topic become lines of a file, from its beginning.

`python -m halfopen.guests.kafka_consume --from HOST:PORT --topic T --output FILE`

It waits for the broker for as long as it takes.  It is told its partition instead of joining a
group, since brokers before 0.9 know no groups.  On standard error, JSON Lines: `ready` once the
topic has a leader.  With `--mark FILE`, that file is made then, and again whenever somebody took
it away and the broker answers: so one can wait for a broker that is started again.
`--set KEY=VALUE` is a setting of librdkafka.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from halfopen.guests.kafka_produce import ask_topic, await_topic, say, settings

_POLL_S = 0.2
_START_S = 300.0


def main() -> None:
    """Run until SIGTERM comes."""
    parser = argparse.ArgumentParser(prog="halfopen.guests.kafka_consume")
    parser.add_argument("--from", dest="broker", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--mark", type=Path)
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    mark: Path | None = options.mark
    if mark is not None:
        mark.unlink(missing_ok=True)
    client = Consumer(
        {
            "bootstrap.servers": options.broker,
            "group.id": "halfopen",
            "enable.auto.commit": False,
            "allow.auto.create.topics": True,
            "reconnect.backoff.max.ms": 200,
            **settings(options.set),
        }
    )
    await_topic(client, options.topic, _START_S)
    client.assign([TopicPartition(options.topic, 0, OFFSET_BEGINNING)])
    # Line buffering would cut a message that holds a line feed; whole messages go out at once.
    with options.output.open("ab", buffering=0) as output:
        say("ready")
        while True:
            if mark is not None and not mark.exists() and ask_topic(client, options.topic) is None:
                mark.touch()
            for message in client.consume(100, timeout=_POLL_S):
                error, value = message.error(), message.value()
                if error is not None:
                    say("trouble", reason=error.str())
                elif value is not None:
                    output.write(value + b"\n")


if __name__ == "__main__":
    main()
