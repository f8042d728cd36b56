"""How toxics are set, at a server that is not quite Toxiproxy."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest
from toxiproxy.api import APIConsumer

from halfopen.errors import LabError
from halfopen.labs.agent import network
from halfopen.labs.agent.actions import toxics
from halfopen.labs.agent.actions._action import ActionContext
from halfopen.probes import namespaces
from halfopen.verbs import EnableProxy, RemoveToxic, SetToxic
from halfopen.verbs.toxics import Stream, ToxicType

NOWHERE = cast(ActionContext, None)
SLOW = SetToxic("proxy", "latency", "upstream", 0.5, {"latency": 200, "jitter": 0})


class Server:
    """Keeps toxics as Toxiproxy's HTTP interface does.

    Attributes:
        toxics: by name.
        enabled: of the proxy.
        asked: methods and paths, in order.
        rules: what the kernel was told.
        spoils: True: it takes every toxic and does another thing.
    """

    def __init__(self) -> None:
        self.toxics: dict[str, dict[str, Any]] = {}
        self.enabled = True
        self.asked: list[str] = []
        self.rules: list[str] = []
        self.spoils = False

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        self.asked.append(f"{method} {path}")
        proxy = {
            "name": "p",
            "upstream": "198.18.2.2:2515",
            "listen": "198.18.1.2:2514",
            "enabled": self.enabled,
        }
        match method, path.strip("/").split("/"):
            case "GET", ["proxies"]:
                return 200, {"p": proxy}
            case "POST", ["proxies", "p"]:
                self.enabled = body["enabled"]
                return 200, {**proxy, "enabled": self.enabled}
            case "GET", ["proxies", "p", "toxics"]:
                return 200, list(self.toxics.values())
            case "POST", ["proxies", "p", "toxics", *name]:
                kept = self.toxics.get(name[0], {}) if name else {}
                toxic = {**kept, **body, **({"toxicity": 0.0} if self.spoils else {})}
                self.toxics[toxic["name"]] = toxic
                return 200, toxic
            case "DELETE", ["proxies", "p", "toxics", name] if name in self.toxics:
                del self.toxics[name]
                return 204, None
        return 404, {"error": "not found"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    found = Server()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            status, value = found.answer(self.command, self.path, body)
            self.send_response(status)
            self.end_headers()
            if value is not None:
                self.wfile.write(json.dumps(value).encode())

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - as http.server calls them

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(namespaces, "visiting", lambda _: contextlib.nullcontext())
    monkeypatch.setattr(network, "nft", lambda *_, text="": found.rules.append(text))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        monkeypatch.setattr(APIConsumer, "port", http.server_port)
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield found
        http.shutdown()
        thread.join()


def test_a_toxic_is_added_then_changed_then_removed(server: Server) -> None:
    asyncio.run(toxics.set_toxic(SLOW, NOWHERE))
    assert server.toxics["latency_upstream"] == {
        "name": "latency_upstream",
        "type": "latency",
        "stream": "upstream",
        "toxicity": 0.5,
        "attributes": {"latency": 200, "jitter": 0},
    }
    slower = SetToxic("proxy", "latency", "upstream", 1.0, {"latency": 900, "jitter": 9})
    asyncio.run(toxics.set_toxic(slower, NOWHERE))
    assert server.toxics["latency_upstream"]["attributes"] == {"latency": 900, "jitter": 9}
    assert server.toxics["latency_upstream"]["toxicity"] == 1.0
    for _ in range(2):  # the second finds none
        asyncio.run(toxics.remove_toxic(RemoveToxic("proxy", "latency", "upstream"), NOWHERE))
    assert server.toxics == {}
    assert [each for each in server.asked if not each.startswith("GET")] == [
        "POST /proxies/p/toxics",
        "POST /proxies/p/toxics/latency_upstream",
        "DELETE /proxies/p/toxics/latency_upstream",
    ]


def test_the_two_streams_have_toxics_of_their_own(server: Server) -> None:
    back = SetToxic("proxy", "latency", "downstream", 1.0, {"latency": 5, "jitter": 0})
    for verb in (SLOW, back):
        asyncio.run(toxics.set_toxic(verb, NOWHERE))
    asyncio.run(toxics.remove_toxic(RemoveToxic("proxy", "latency", "upstream"), NOWHERE))
    assert list(server.toxics) == ["latency_downstream"]


def test_data_that_comes_to_a_toxic_is_counted_from_its_own_side(server: Server) -> None:
    expected: tuple[tuple[ToxicType, Stream, str], ...] = (
        ("latency", "upstream", "input priority 0; policy accept;\n  iif != lo tcp dport 2514"),
        ("latency", "downstream", "tcp sport 2515 tcp flags & (psh) != 0 counter"),
        ("slow_close", "upstream", "tcp dport 2514 tcp flags & (fin) != 0 counter"),
    )
    for kind, stream, rule in expected:
        asyncio.run(toxics.set_toxic(SetToxic("proxy", kind, stream, 1.0, {}), NOWHERE))
        assert rule in server.rules[-1]
        assert f"table inet {kind}_{stream}" in server.rules[-1]


def test_a_toxic_that_is_not_as_asked_is_no_success(server: Server) -> None:
    server.spoils = True
    with pytest.raises(LabError, match="the toxic is not as requested"):
        asyncio.run(toxics.set_toxic(SLOW, NOWHERE))


def test_a_proxy_goes_down_and_up(server: Server) -> None:
    asyncio.run(toxics.enable_proxy(EnableProxy("proxy", False), NOWHERE))
    assert not server.enabled
    assert "oif != lo tcp sport 2514 tcp flags & (fin | rst) != 0 counter" in server.rules[-1]
    asyncio.run(toxics.enable_proxy(EnableProxy("proxy", True), NOWHERE))
    assert server.enabled


def test_a_server_that_is_not_there_is_told(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(APIConsumer, "port", 1)
    with pytest.raises(LabError, match="proxy: Toxiproxy reports: ConnectionError"):
        asyncio.run(toxics.enable_proxy(EnableProxy("proxy", False), NOWHERE))
