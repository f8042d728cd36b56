"""Realistic histories of the idle-timeout incident, sampled as a lab samples them.

The sender speaks every 75 min, the firewall forgets a flow after 60 min of silence; 600 seconds
of production pass in one of the lab.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from halfopen.checkers import judge_history
from halfopen.model.history import VERSION, History
from halfopen.model.records import HeaderRecord, Record
from halfopen.model.steps import PlannedSend, PlannedWait
from halfopen.model.verdict import VariantResult, Verdict, judge

from ..records import record

SCALE, SAMPLE = 600.0, 0.05
FIREWALL, GAP, BUSY = 6.0, 7.5, 1.0
CLIENT, SERVER = "198.18.1.1", "198.18.2.2:2514"
ACK, BACKOFF = 0.5, 0.1
FILE = "scenarios/incidents/fortigate-idle-relp.scenario.yaml"


@dataclass
class Connection:
    """One TCP connection; what was heard last, and when each side gave it up."""

    port: int
    opened: float
    heard: float
    forgotten: float | None = None
    client_gone: float | None = None
    server_gone: float | None = None

    @property
    def client(self) -> str:
        return f"{CLIENT}:{self.port}"


def _check(check: str, line: int, reproduces: int | None = None, **params: Any) -> dict[str, Any]:
    at = f" at {params['at']}" if "at" in params else ""
    return {
        "check": check,
        "params": params,
        "label": f"{check}{at}",
        "line": line,
        "reproduces": {} if reproduces is None else {"": f"exactly {reproduces}"},
    }


def _checks(drops: int, reproduces: int | None, fds: int | None) -> list[dict[str, Any]]:
    return [
        _check(
            "delivery",
            42,
            lost="exactly 0",
            corrupted="exactly 0",
            stuck="exactly 0",
            duplicated="at most 128",
            stuck_after=2.0,
        ),
        _check("half-open", 43, reproduces, at="receiver", at_end="exactly 0"),
        _check("fds", 44, fds, at="receiver", kind="tcp", at_end="exactly 1"),
        _check("connections", 45, at="sender", at_end="exactly 1"),
        _check("reconnect", 46, at="sender", within=2.0),
        _check("idle drops", 52, at="firewall", count=f"exactly {drops}"),
    ]


def _send(count: int, text: str, line: int) -> dict[str, Any]:
    return asdict(PlannedSend(host="sender", count=count, text=text, line=line))


def _wait(line: int) -> dict[str, Any]:
    return asdict(PlannedWait(seconds=7.5, text="wait 75 min", line=line))


def _plan(variant: str, checks: list[dict[str, Any]]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = []
    for line in (31, 33, 35):
        steps.append(_send(20, "send 20 messages", line))
        steps.append(_wait(line + 1))
    steps.append(_send(20, "send 20 messages", 37))
    steps.append(_send(15, "send 15 messages every 10 min", 38))
    return {
        "scenario": "an hour of silence behind a FortiGate",
        "file": FILE,
        "variant": variant,
        "lab": "netns",
        "scale": SCALE,
        "seed": 4711,
        "hosts": [
            {
                "name": "sender",
                "system": "relpio send",
                "profile": None,
                "line": 15,
                "options": {"to": "receiver", "window": 128, "ack_timeout": 0.5, "keepalive": None},
            },
            {"name": "firewall", "system": None, "profile": "fortigate", "line": 21, "options": {}},
            {
                "name": "receiver",
                "system": "relpio receive",
                "profile": None,
                "line": 23,
                "options": {"keepalive": None},
            },
        ],
        "path": ["sender", "firewall", "receiver"],
        "steps": steps,
        "checks": checks,
        "scaling": [
            {"name": "firewall idle timeout", "production_s": 3600.0, "lab_s": 6.0, "line": 22},
            {"name": "sender ack timeout", "production_s": 90.0, "lab_s": 0.5, "line": 19},
            {"name": "wait", "production_s": 4500.0, "lab_s": 7.5, "line": 32},
            {"name": "reconnect within", "production_s": 1200.0, "lab_s": 2.0, "line": 46},
        ],
        "about": "A log sender holds one RELP connection through a firewall that forgets a flow "
        "after an hour without packets, and tells nobody. By night little is logged. The receiver "
        "sends nothing by itself, so it never learns: the old connection stays ESTABLISHED.",
        "source": "field report; RHEL 6 rsyslog behind a FortiGate, more than 100 ESTABLISHED on "
        "TCP/514",
    }


def play(variant: str, keepalive: float | None, checks: list[dict[str, Any]]) -> History:
    """The history of one variant; `keepalive` is how often the receiver's kernel probes."""
    records: list[Record] = []

    def add(t: float, kind: str, **fields: Any) -> None:
        records.append(record(kind, round(t, 3), **fields))

    connections: list[Connection] = []
    number, t = 0, 0.4

    def connect(t: float) -> Connection:
        connections.append(Connection(40002 + 1117 * len(connections), t, t))
        client = connections[-1].client
        add(
            t,
            "flow",
            host="firewall",
            event="created",
            client=client,
            server=SERVER,
            state="SYN_SENT",
        )
        add(t, "log", host="sender", process="relpio", event={"event": "session-open"})
        return connections[-1]

    def say(t: float, count: int) -> None:
        nonlocal number
        run = [[number + 1, number + count]]
        number += count
        add(t, "sent", host="sender", seqs=run)
        add(t, "accepted", host="sender", seqs=run)
        now = connections[-1]
        if now.forgotten is not None:
            now.client_gone = t + ACK
            add(
                t + ACK,
                "log",
                host="sender",
                process="relpio",
                event={"event": "session-lost", "reason": "ack-timeout"},
            )
            t += ACK + BACKOFF
            now = connect(t)
        now.heard = t
        add(t + 0.01, "delivered", host="receiver", seqs=run, corrupt=[], unexpected=[])
        add(t + 0.02, "acked", host="sender", seqs=run)

    def silence(start: float, seconds: float) -> None:
        now = connections[-1]
        if keepalive is not None and keepalive < FIREWALL:
            now.heard = start + seconds - seconds % keepalive
        elif seconds > FIREWALL:
            now.forgotten = now.heard + FIREWALL
            add(
                now.forgotten,
                "flow",
                host="firewall",
                event="destroyed",
                state="ESTABLISHED",
                client=now.client,
                server=SERVER,
                cause="expired",
            )

    connect(t)
    texts = [step["text"] for step in _plan(variant, [])["steps"]]
    for index in range(7):
        add(t, "step", index=index, text=texts[index], line=31 + index, state="begin")
        if index % 2:
            silence(t, GAP)
            t += GAP
        else:
            say(t, 20)
            t += 0.02
        add(t, "step", index=index, text=texts[index], line=31 + index, state="end")
    add(t, "step", index=7, text=texts[7], line=38, state="begin")
    for _ in range(15):
        t += BUSY
        say(t, 1)
    add(t, "step", index=7, text=texts[7], line=38, state="end")
    end = t + 0.1
    records += _samples(connections, end, keepalive)
    add(end - 0.01, "drops", host="firewall", packets=41, bytes=15_904, blocked=0)
    records.sort(key=lambda record: record["t"])
    header: HeaderRecord = {
        "t": 0.0,
        "kind": "header",
        "version": VERSION,
        "scenario": "an hour of silence",
        "file": FILE,
        "variant": variant,
        "lab": "netns",
        "scale": SCALE,
        "seed": 4711,
        "started": "",
        "sample_s": SAMPLE,
        "plan": _plan(variant, checks),
    }
    last = record("end", end, reason="complete", detail="")
    return History([header, *records, last])


def _samples(
    connections: Iterable[Connection], end: float, keepalive: float | None
) -> list[Record]:
    """Samples on change and once a second, the receiver's a little after the sender's."""
    records: list[Record] = []
    before: dict[str, object] = {}
    for tick in range(int(end / SAMPLE) + 1):
        for host, skew in (("sender", 0.0), ("receiver", 0.004)):
            t = round(tick * SAMPLE + skew, 3)
            sockets = [{"local": "0.0.0.0:2514", "peer": "", "state": "LISTEN", "pid": 31}]
            held = 0
            for c in connections:
                gone = c.client_gone if host == "sender" else c.server_gone
                orphan = gone is not None and t >= gone and host == "sender"
                if t < c.opened or (gone is not None and t >= gone and not orphan):
                    continue
                held += not orphan
                sockets.append({
                    "local": c.client if host == "sender" else SERVER,
                    "peer": SERVER if host == "sender" else c.client,
                    "state": "FIN_WAIT1" if orphan else "ESTABLISHED",
                    "pid": 0 if orphan else 30 + (host == "receiver"),
                    "timer": "retransmit" if orphan else "keepalive" if keepalive else "off",
                    "timer_s": 2.0,
                    "last_heard_s": max(0.0, round(t - c.heard, 3)),
                })  # fmt: skip
            state = [(s["local"], s["peer"], s["state"]) for s in sockets]
            if before.get(host) != state or tick % 20 == 0:
                before[host] = state
                shown = sockets if host == "receiver" else sockets[1:]
                records.append(record("sockets", t, host=host, sockets=shown))
                counts = {"tcp": held, "listen": int(host == "receiver"), "file": 3}
                records.append(
                    record(
                        "fds",
                        t,
                        host=host,
                        process="relpio",
                        pid=30,
                        counts=counts,
                        limit=1024,
                        cpu_s=0.1,
                    )
                )
    return records


def result(history: History, directory: str = "out/netns") -> VariantResult:
    """What a runner makes of a history."""
    checks = judge_history(history)
    verdict, why = judge(checks)
    plan = history.plan
    return VariantResult(
        scenario=plan["scenario"],
        variant=plan["variant"],
        lab=plan["lab"],
        verdict=verdict,
        seed=plan["seed"],
        wall_s=history.duration + 1.3,
        virtual_s=history.duration * history.scale,
        checks=tuple(checks),
        why=why,
        directory=directory,
        reproduces=any(check.expected is Verdict.FAIL for check in checks),
        file=plan["file"],
    )


def all_variants() -> list[tuple[VariantResult, History]]:
    """Reproduced, passed, failed, broken off."""
    reproduced = play("keepalive-off", None, _checks(3, 3, 4))
    healthy = play("keepalive-1800", 3.0, _checks(0, None, None))
    failed = play("keepalive-forgotten", None, _checks(3, None, None))
    whole = play("keepalive-7200", None, _checks(3, None, None))
    torn = History([record for record in whole.records if record["t"] < 19])
    runs = [(result(history), history) for history in (reproduced, healthy, failed)]
    return [*runs, (result(torn), torn)]
