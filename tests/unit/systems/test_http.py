"""What `http client` and `http server` start, and what they refuse."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from halfopen.ports import SystemContext
from halfopen.systems.http_client import HttpClient
from halfopen.systems.http_server import HttpServer

_CONTEXT = SystemContext(
    host="client",
    address="198.18.1.1",
    addresses={"client": "198.18.1.1", "server": "fd00::2"},
    directory="/there",
    seed=1,
)


def after(words: tuple[str, ...], name: str) -> str:
    return words[words.index(name) + 1]


def test_the_client_gets_all_options() -> None:
    options = {
        "to": "server",
        "path": "/orders?all=1",
        "idle expiry": "off",
        "timeout": "30 s",
        "retries": 2,
        "retry after": "5 s",
        "keepalive": {"idle": "5 min", "interval": "30 s", "probes": 3},
    }
    system = HttpClient.model_validate(options)
    program = system.program(_CONTEXT)
    assert after(program.argv, "--target") == "[fd00::2]:8080"
    assert after(program.argv, "--path") == "/orders?all=1"
    assert after(program.argv, "--idle-expiry") == "off"
    assert after(program.argv, "--keepalive") == "300/30/3"
    assert (after(program.argv, "--retries"), after(program.argv, "--retry-after")) == ("2", "5")
    assert program.ledger == "/there/ledger"
    assert program.acks
    names = {timer.name for timer in system.timers()}
    assert "answer timeout" in names
    assert "idle expiry" not in names


def test_the_server_gets_all_options() -> None:
    system = HttpServer.model_validate({"idle timeout": "75 s", "status": 503})
    program = system.program(_CONTEXT)
    assert after(program.argv, "--listen") == "198.18.1.1:8080"
    assert after(program.argv, "--idle-timeout") == "75"
    assert after(program.argv, "--status") == "503"
    assert program.output == "/there/messages"
    assert [timer.name for timer in system.timers()] == ["idle timeout"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"echo": True, "method": "GET"}, "a GET sends nothing that could come back; use POST or"),
        ({"path": "orders"}, "pattern"),
        ({"path": "/a b"}, "pattern"),
        ({"method": "PATCH"}, "'POST', 'PUT', 'GET' or 'HEAD'"),
        ({"connections": 0}, "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        HttpClient.model_validate({"to": "server", **options})
