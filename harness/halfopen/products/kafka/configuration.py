"""What brokers are told: the text of their configuration files.

Sources: the documentation of Apache Kafka 0.8.2 and 4.x (broker configs), of ZooKeeper 3.4.
"""

from __future__ import annotations

from collections.abc import Mapping

from halfopen.model.topology import endpoint

TOPIC = "halfopen"
ZOOKEEPER_PORT = 2181
CONTROLLER_PORT = 9093

# In a run there is one cluster of one node, so that its identity can be the same each time.
_CLUSTER = "aGFsZm9wZW4taGFsZm9wZQ"
_DIRECTORY = "aGFsZm9wZW4tZGlyZWN0bw"
_LONGEST_MS = 2**31 - 1
# A busy machine must not look to the broker as if ZooKeeper had gone.
_ZOOKEEPER_PATIENCE_MS = 20_000


def idle_limit(seconds: float | None) -> str:
    """`connections.max.idle.ms` for a number of seconds, None for the longest that there is."""
    return str(_LONGEST_MS if seconds is None else max(1, round(seconds * 1000)))


def zookeeper(directory: str) -> str:
    """Of a single ZooKeeper for the host itself."""
    return _properties(
        {
            "dataDir": directory,
            "clientPort": str(ZOOKEEPER_PORT),
            "clientPortAddress": "127.0.0.1",
            "tickTime": str(_ZOOKEEPER_PATIENCE_MS // 20),  # a session lasts 20 ticks at most
            "maxClientCnxns": "0",
        }
    )


def old_broker(address: str, port: int, directory: str, max_idle: float | None) -> str:
    """Of a broker 0.8.2.

    Args:
        address: on which it listens, and that it tells to clients.
        port: on which it listens.
        directory: of its logs.
        max_idle: seconds after which it closes an idle connection; None: never.
    """
    return _properties(
        {
            "broker.id": "0",
            "host.name": address,
            "port": str(port),
            "log.dirs": directory,
            "num.io.threads": "2",
            "num.partitions": "1",
            "connections.max.idle.ms": idle_limit(max_idle),
            "controlled.shutdown.enable": "false",
            "zookeeper.connect": f"127.0.0.1:{ZOOKEEPER_PORT}",
            "zookeeper.connection.timeout.ms": str(_ZOOKEEPER_PATIENCE_MS),
            "zookeeper.session.timeout.ms": str(_ZOOKEEPER_PATIENCE_MS),
        }
    )


def current_broker(
    address: str,
    port: int,
    directory: str,
    max_idle: float | None,
    *,
    controller_port: int = CONTROLLER_PORT,
) -> str:
    """Of a broker that is its own controller (KRaft); other arguments as for :func:`old_broker`.

    Args:
        address: as there.
        port: as there.
        directory: as there.
        max_idle: as there.
        controller_port: on which it speaks with itself.
    """
    return _properties(
        {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{endpoint(address, port)},"
            f"CONTROLLER://127.0.0.1:{controller_port}",
            "log.dirs": directory,
            "num.io.threads": "2",
            "num.partitions": "1",
            "offsets.topic.num.partitions": "1",
            "offsets.topic.replication.factor": "1",
            "connections.max.idle.ms": idle_limit(max_idle),
            "controlled.shutdown.enable": "false",
        }
    )


def formatted() -> str:
    """`meta.properties` of a log directory of a current broker: all that its formatting leaves."""
    return _properties(
        {
            "version": "1",
            "cluster.id": _CLUSTER,
            "node.id": "1",
            "directory.id": _DIRECTORY,
        }
    )


def log4j() -> str:
    """Of the old broker's and ZooKeeper's log: warnings to standard error."""
    return _properties(
        {
            "log4j.rootLogger": "WARN, stderr",
            "log4j.appender.stderr": "org.apache.log4j.ConsoleAppender",
            "log4j.appender.stderr.target": "System.err",
            "log4j.appender.stderr.layout": "org.apache.log4j.PatternLayout",
            "log4j.appender.stderr.layout.ConversionPattern": "%d %p %c: %m%n",
        }
    )


def _properties(values: Mapping[str, str]) -> str:
    return "".join(f"{key}={value}\n" for key, value in values.items())
