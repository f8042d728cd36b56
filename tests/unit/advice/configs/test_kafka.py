"""Properties of Kafka's brokers and clients."""

from __future__ import annotations

import pytest

from halfopen.errors import InputError
from tests.unit.advice.configs.reading import cured, judge, read, survivals

BROKER = """\
broker.id=1
listeners = PLAINTEXT://:9092,SSL://:9093
"""


def test_a_broker_closes_what_is_idle() -> None:
    found = judge("kafka", BROKER, firewalls="fortigate")
    assert [(each.connection.line, each.connection.what) for each in found] == [
        (2, "listener PLAINTEXT://:9092"),
        (2, "listener SSL://:9093"),
    ]
    assert found[0].survival == "safe"
    assert "after 600 s (10 min) (connections.max.idle.ms)" in found[0].why
    assert survivals("kafka", BROKER) == ["unsafe"] * 2
    assert cured("kafka", BROKER) == [f"{BROKER}connections.max.idle.ms=175000\n"]
    assert (
        survivals("kafka", f"{BROKER}connections.max.idle.ms=-1\n", firewalls="fortigate")
        == ["unsafe"] * 2
    )


def test_the_java_client_looks_at_the_latest_when_metadata_are_due() -> None:
    text = "bootstrap.servers=a:9092,b:9092\nconnections.max.idle.ms=200000\n"
    (found,) = judge("kafka", text)
    assert found.connection.what == "client to a:9092,b:9092 (Java)"
    assert found.survival == "unsafe"
    assert survivals("kafka", f"{text}metadata.max.age.ms: 100000\n") == ["safe"]
    assert cured("kafka", text) == [
        "bootstrap.servers=a:9092,b:9092\nconnections.max.idle.ms=87500\nmetadata.max.age.ms=87500\n"
    ]


def test_librdkafka_has_no_keepalive_and_closes_nothing_unless_told() -> None:
    text = "metadata.broker.list=a\n"
    assert [each.asks for each in read("kafka", text)] == [False]
    assert survivals("kafka", text, firewalls="fortigate") == ["unsafe"]
    assert cured("kafka", text) == [f"{text}connections.max.idle.ms=175000\n"]
    on = f"{text}socket.keepalive.enable=true\n"
    assert survivals("kafka", on, firewalls="linux-conntrack") == ["safe"]


@pytest.mark.parametrize(
    "text", ["connections.max.idle.ms=10min", "socket.keepalive.enable=maybe", "=x"]
)
def test_what_is_wrong_has_its_line(text: str) -> None:
    with pytest.raises(InputError, match=r"0\.conf:2: "):
        read("kafka", f"bootstrap.servers=a\n{text}\n")
