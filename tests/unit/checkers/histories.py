"""A tiny builder of histories: each method adds one record and returns the builder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from halfopen.model.history import VERSION, History, compress
from halfopen.model.records import Record

from ..records import record

CLIENT, SERVER = "10.0.1.1", "10.0.2.2:2514"
PATH = ("sender", "firewall", "receiver")


def client(port: int = 40001) -> str:
    return f"{CLIENT}:{port}"


def flow(port: int = 40001) -> str:
    return f"{client(port)} > {SERVER}"


def theirs(port: int = 40001, state: str = "ESTABLISHED", **more: Any) -> dict[str, Any]:
    """The client's socket."""
    return {"local": client(port), "peer": SERVER, "state": state, "pid": 10, **more}


def mine(port: int = 40001, state: str = "ESTABLISHED", **more: Any) -> dict[str, Any]:
    """The server's socket."""
    return {"local": SERVER, "peer": client(port), "state": state, "pid": 20, **more}


LISTEN = {"local": "0.0.0.0:2514", "peer": "", "state": "LISTEN", "pid": 20}


class Run:
    """Builds the records of one run; `t` is set by :meth:`at`."""

    def __init__(
        self,
        *checks: Mapping[str, Any],
        scale: float = 1.0,
        sample_s: float = 0.05,
        waits: int = 0,
    ) -> None:
        hosts = [
            {"name": name, "system": None if profile else "relpio", "profile": profile}
            for name, profile in zip(PATH, (None, "fortigate", None), strict=True)
        ]
        plan = {
            "scenario": "a test",
            "hosts": hosts,
            "path": list(PATH),
            "steps": [{"kind": "wait", "text": "wait", "seconds": 10.0}] * waits,
            "checks": [dict(check) for check in checks],
            "scaling": [],
        }
        self.t = 0.0
        self.records: list[Record] = []
        self.add(
            "header", version=VERSION, scenario="a test", scale=scale, sample_s=sample_s, plan=plan
        )

    def at(self, t: float) -> Self:
        self.t = t
        return self

    def add(self, kind: str, **fields: Any) -> Self:
        self.records.append(record(kind, self.t, **fields))
        return self

    def sent(self, *numbers: int, host: str = "sender") -> Self:
        return self.add("sent", host=host, seqs=compress(numbers))

    def accepted(self, *numbers: int) -> Self:
        return self.add("accepted", host="sender", seqs=compress(numbers))

    def acked(self, *numbers: int) -> Self:
        return self.add("acked", host="sender", seqs=compress(numbers))

    def delivered(self, *numbers: int, **more: Any) -> Self:
        host = more.pop("host", "receiver")
        fields = {"corrupt": [], "unexpected": [], **more}
        return self.add("delivered", host=host, seqs=compress(numbers), **fields)

    def sockets(self, host: str, *sockets: Mapping[str, Any]) -> Self:
        return self.add("sockets", host=host, sockets=list(sockets))

    def both(self, senders: Sequence[Any], receivers: Sequence[Any]) -> Self:
        return self.sockets("sender", *senders).sockets("receiver", LISTEN, *receivers)

    def unsampled(self, *ports: int, host: str = "sender", **more: Any) -> Self:
        pairs = [[client(port), SERVER] for port in ports]
        return self.add("unsampled", host=host, connections=pairs, **more)

    def fds(self, count: int, host: str = "receiver", pid: int = 20, **counts: int) -> Self:
        kinds = {"tcp": count, "file": 3, **counts}
        return self.add("fds", host=host, process="relpio", pid=pid, counts=kinds, limit=1024)

    def log(self, event: str, host: str = "sender", **more: Any) -> Self:
        fields = {"event": event, **more}
        return self.add("log", host=host, process="relpio", event=fields)

    def entry(self, event: str, port: int = 40001, **more: str) -> Self:
        return self.add(
            "flow", host="firewall", event=event, client=client(port), server=SERVER, **more
        )

    def end(self, reason: str = "complete") -> History:
        return self.add("end", reason=reason, detail="").history()

    def history(self) -> History:
        return History(self.records)


def incident(*checks: Mapping[str, Any]) -> Run:
    """One idle drop: the sender speaks, gives up and reconnects, the receiver never learns."""
    return (
        Run(*checks, waits=1)
        .unsampled()
        .both([], [])
        .fds(0)
        .at(1)
        .sent(1, 2)
        .accepted(1, 2)
        .entry("created")
        .both([theirs()], [mine(last_heard_s=0.0)])
        .log("session-open")
        .fds(1)
        .at(1.2)
        .delivered(1, 2)
        .acked(1, 2)
        .at(11)
        .entry("destroyed", cause="expired")
        .at(20)
        .sent(3)
        .accepted(3)
        .at(22)
        .log("session-lost", reason="ack-timeout")
        .sockets("sender", theirs(state="FIN_WAIT1", pid=0))
        .at(23)
        .entry("created", 40002)
        .both(
            [theirs(state="FIN_WAIT1", pid=0), theirs(40002)],
            [mine(last_heard_s=22.0), mine(40002, last_heard_s=0.0)],
        )
        .log("session-open")
        .fds(2)
        .at(23.1)
        .delivered(3)
        .acked(3)
        .at(30)
        .both(
            [theirs(state="FIN_WAIT1", pid=0), theirs(40002)],
            [mine(last_heard_s=29.0), mine(40002, last_heard_s=7.0)],
        )
    )
