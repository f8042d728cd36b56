"""Runs what advice predicts in a lab, scaled, and puts the measurement beside the prediction.

The kernel that the lab runs on is real, and so are its timers; the middleboxes have the scaled idle
timeouts, are silent, and drop what they do not know.  Keepalive
takes whole seconds and lateness does not scale, so a proof has a scale at which the prediction
comes out as in production; where there is none, it says so instead of showing something else.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from halfopen.advice.advise import Advice, Settings, advise, say
from halfopen.advice.middleboxes import Hop
from halfopen.advice.probe_connections import Peers, ProbeConnection, ProbeListener
from halfopen.advice.record import interval
from halfopen.advice.text import between
from halfopen.errors import UnsupportedError
from halfopen.faults.forget_flows import ForgetFlows
from halfopen.kernel import Keepalive, TimeRange
from halfopen.kernel.timers import machine_hz
from halfopen.labs import all_labs
from halfopen.model.history import Record
from halfopen.model.plan import PlannedHost
from halfopen.ports import LabSpec
from halfopen.profiles import MiddleboxValues
from halfopen.runner.stage import Stage
from halfopen.vocabulary import default_vocabulary

SCHEDULING = 0.3
"""Seconds that the machine may take to run a program that the kernel has woken."""

PATIENCE = 60.0
"""Seconds beyond which nothing is waited for."""

# Seconds that the shortest idle timeout may have in the lab: the first at which all fits is taken.
_LAB_IDLE = (6, 8, 10, 12, 15, 20)
# Seconds between probe and idle timeout, either way, that make a case clear.
_CLEAR = 0.4
_LEFT, _RIGHT = "left", "right"
_SURVIVOR, _IDLE, _BUSY = "survivor", "idle", "busy"


@dataclass(frozen=True)
class ProofFinding:
    """One thing that was predicted and measured.

    Attributes:
        what: for people.
        predicted: seconds; or in words, if it is no time.
        measured: likewise, None if it was not seen.
        agrees: whether the two go together; None if it was not measured, and `why` says why.
        why: not measured, or what is the matter; may be empty.
    """

    what: str
    predicted: TimeRange | str
    measured: float | str | None
    agrees: bool | None
    why: str = ""


@dataclass(frozen=True)
class Proof:
    """What was run, and how it came out.

    Attributes:
        advice: for the settings and timeouts as they were run.
        scale: seconds of production that one second stood for; None if nothing was run.
        findings: prediction and measurement.
        why: why nothing was run, else empty.
    """

    advice: Advice | None
    scale: float | None
    findings: tuple[ProofFinding, ...]
    why: str = ""

    @property
    def agrees(self) -> bool:
        """Whether nothing that was measured speaks against what was predicted."""
        return all(each.agrees is not False for each in self.findings)


def prove_advice(advice: Advice) -> Proof:
    """Run it.

    Raises:
        UnsupportedError: if the lab does not work on this machine.
        LabError: if it breaks.
    """
    spec = all_labs()["netns"]
    if problems := spec.missing():
        raise UnsupportedError(
            "\n".join(["the lab netns is not supported on this machine:", *problems])
        )
    for each in advice.hops:
        if each.hop.values.terminates_tcp:
            why = (
                f"{each.hop.name} is a proxy: it terminates every connection, so nothing crosses "
                f"it. {each.why}"
            )
            return Proof(None, None, (), why)
    if not advice.safe and not _certain(advice, 0.0):
        return Proof(
            None,
            None,
            (),
            "The probe may or may not be too late: it depends on the moment within a tick of the "
            "timer wheel. A single run can prove neither.",
        )
    scaled = _scaled(advice)
    if scaled is None:
        return Proof(
            None,
            None,
            (),
            "No scale keeps the order of the timers: keepalive has a resolution of whole seconds, "
            "and the margin here is too small. Only a lab on virtual time could prove it.",
        )
    scale, lab_advice = scaled
    with tempfile.TemporaryDirectory(prefix="halfopen-") as directory:
        findings = asyncio.run(_run(spec, Path(directory), lab_advice))
    return Proof(lab_advice, scale, tuple(findings))


def _shortest(advice: Advice) -> float | None:
    return min((e.hop.idle for e in advice.hops if e.hop.idle is not None), default=None)


def _certain(advice: Advice, clearly: float) -> bool:
    """Whether the outcome does not hang on how late a timer happens to be."""
    shortest = _shortest(advice)
    if shortest is None or advice.probe is None:
        return True
    if advice.safe:
        return shortest - advice.probe.latest >= clearly
    return advice.probe.earliest - shortest >= clearly


def _scaled(advice: Advice) -> tuple[float, Advice] | None:
    """The first scale at which all comes out as in production, and clearly so."""
    shortest = _shortest(advice)
    for lab_idle in _LAB_IDLE:
        scale = 1.0 if shortest is None else max(1.0, shortest / lab_idle)
        found = _at(advice, scale)
        same = [each.safe for each in found.hops] == [each.safe for each in advice.hops]
        if same and _certain(found, _CLEAR):
            return scale, found
    return None


def _at(advice: Advice, scale: float) -> Advice:
    def whole(seconds: float) -> int:
        return max(1, round(seconds / scale))

    hops: list[Hop] = []
    for each in advice.hops:
        idle = each.hop.idle
        values = MiddleboxValues(
            idle_timeout=None if idle is None else float(whole(idle)),
            keepalive_refreshes=each.hop.values.keepalive_refreshes,
        )
        hops.append(replace(each.hop, values=values))
    settings, keepalive = advice.settings, advice.settings.keepalive
    if keepalive is not None:
        keepalive = Keepalive(whole(keepalive.idle), whole(keepalive.interval), keepalive.probes)
    patience = settings.user_timeout
    return advise(
        hops,
        Settings(
            keepalive,
            # What is outstanding takes real time, whatever the scale.
            None if patience is None else max(1.0, round(patience / scale, 3)),
            replace(settings.stack, hz=machine_hz()),
        ),
    )


async def _run(spec: LabSpec, directory: Path, advice: Advice) -> list[ProofFinding]:
    firewalls = [f"firewall{number}" for number, _ in enumerate(advice.hops, 1)]
    path = (_LEFT, *firewalls, _RIGHT)
    settings = advice.settings
    sysctls = {"net.ipv4.tcp_retries2": str(settings.stack.retries2)}
    hosts = [PlannedHost(_LEFT, None, sysctls=sysctls), PlannedHost(_RIGHT, None)]
    hosts += [
        PlannedHost(name, None, each.hop.values.model_dump(mode="json"), profile=each.hop.name)
        for name, each in zip(firewalls, advice.hops, strict=True)
    ]
    options: dict[str, Any] = {
        "keepalive": settings.keepalive,
        "user_timeout_ms": round((settings.user_timeout or 0) * 1000),
    }
    records: list[Record] = []
    stage = Stage(spec, directory, "0", records.append, default_vocabulary())
    async with stage:
        await stage.build(hosts, path, {firewalls[0]: ForgetFlows.uses})
        peers = Peers(stage.lab, records)
        await peers.listen(_RIGHT, ProbeListener())
        await peers.connect(
            _LEFT,
            stage.addresses[_RIGHT],
            [
                ProbeConnection(_SURVIVOR, say=(1,), **options),
                ProbeConnection(_IDLE, **options),
                ProbeConnection(_BUSY, say=(2,), **options),
            ],
        )
        # Long enough for the firewall that forgets first; and for two probes, if they count.
        silence = 1.25 * (_shortest(advice) or 0.0) + 1
        if advice.safe and advice.probe is not None:
            silence = max(silence, 2 * advice.probe.latest + 1)
        await asyncio.sleep(min(silence, PATIENCE))
        await peers.cue(_LEFT)
        # An answer takes no time at all; a repetition that gets through would come within this.
        await asyncio.sleep(1.0)
        alive = bool(peers.events(_LEFT, _SURVIVOR, "echo"))
        probes = [float(e["silent"]) for e in peers.events(_LEFT, _IDLE, "heard")]
        # From here on nothing gets through, whatever was left.
        await stage.inject(ForgetFlows(at=firewalls[0]), text="all flows are forgotten")
        await peers.cue(_LEFT)
        idle, busy = advice.with_these.idle, advice.with_these.busy
        awaited = [_BUSY] if busy.latest <= PATIENCE else []
        awaited += [_IDLE] if idle is not None and idle.latest <= PATIENCE else []
        if awaited:
            await peers.ended(_LEFT, awaited, PATIENCE + SCHEDULING)
        return [
            _survival(advice, alive),
            *_probes(advice, probes),
            *_dead("dead peer detected, idle", idle, _end(peers, _IDLE), "silent"),
            *_dead("dead peer detected, data in flight", busy, _end(peers, _BUSY), "after"),
        ]


def _end(peers: Peers, name: str) -> dict[str, Any] | None:
    return next((dict(event) for event in peers.events(_LEFT, name, "ended")), None)


def _survival(advice: Advice, alive: bool) -> ProofFinding:
    words = {True: "alive", False: "dropped"}
    return ProofFinding(
        "an idle connection", words[advice.safe], words[alive], advice.safe == alive
    )


def _probes(advice: Advice, seen: Sequence[float]) -> list[ProofFinding]:
    if advice.probe is None or not advice.safe:
        return []
    # Between the first two lies the idle time, and the first may come sooner than the period.
    measured = seen[-1] if len(seen) >= 2 else None
    agrees = measured is not None and _within(measured, advice.probe)
    return [ProofFinding("seconds between probes", advice.probe, measured, agrees)]


def _dead(
    what: str, predicted: TimeRange | None, end: dict[str, Any] | None, since: str
) -> list[ProofFinding]:
    if predicted is None:
        return [ProofFinding(what, "never", "not yet" if end is None else "detected", end is None)]
    if predicted.latest > PATIENCE:
        why = "would take too long; retransmission does not scale"
        return [ProofFinding(what, predicted, None, None, why)]
    if end is None:
        return [ProofFinding(what, predicted, None, False, "not detected in time")]
    seconds = end[since]
    if end["errno"] != "ETIMEDOUT":
        return [ProofFinding(what, predicted, None, False, f"it ended with {end['errno']}")]
    if seconds is None:
        return [
            ProofFinding(what, predicted, None, None, "keepalive closed it before it could send")
        ]
    return [ProofFinding(what, predicted, float(seconds), _within(float(seconds), predicted))]


def _within(seconds: float, bounds: TimeRange) -> bool:
    return bounds.earliest - 0.05 <= seconds <= bounds.latest + SCHEDULING


def proof_record(proof: Proof) -> dict[str, Any]:
    """The proof as JSON; `docs/advise.md` describes it."""
    return {
        "lab": "netns",
        "scale": None if proof.scale is None else round(proof.scale, 3),
        "why_not": proof.why,
        "agrees": proof.agrees if proof.findings else None,
        "idle_timeouts_s": []
        if proof.advice is None
        else [each.hop.idle for each in proof.advice.hops],
        "findings": [
            {
                "what": each.what,
                "predicted": each.predicted
                if isinstance(each.predicted, str)
                else interval(each.predicted),
                "measured": each.measured,
                "agrees": each.agrees,
                "why": each.why,
            }
            for each in proof.findings
        ],
    }


def print_proof(proof: Proof, console: Console) -> None:
    """Write the proof for a person."""
    console.print("\nProof in the lab netns", style="bold")
    if proof.advice is None:
        console.print(f"Not run. {proof.why}", highlight=False, markup=False)
        return
    settings = proof.advice.settings
    idles = ["never" if each.hop.idle is None else say(each.hop.idle) for each in proof.advice.hops]
    patience = settings.user_timeout
    console.print(
        f"Scale {proof.scale:.4g}: firewall idle timeouts {', '.join(idles)}; keepalive "
        f"{settings.keepalive or 'off'}"
        + (f", TCP_USER_TIMEOUT {patience * 1000:.0f} ms" if patience else "")
        + f"; this kernel has HZ={settings.stack.hz}",
        highlight=False,
    )
    table = Table("", "predicted", "measured", "", box=None, pad_edge=False, header_style="bold")
    for each in proof.findings:
        predicted = each.predicted if isinstance(each.predicted, str) else between(each.predicted)
        measured = f"{each.measured:.2f} s" if isinstance(each.measured, float) else each.measured
        mark = {True: "[green]as predicted[/]", False: "[red]DIFFERS[/]", None: "not measured"}
        said = mark[each.agrees] + (f" ({each.why})" if each.why else "")
        table.add_row(each.what, predicted, measured or "-", said)
    console.print(table, highlight=False)
