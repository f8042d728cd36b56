"""Advice as JSON; `docs/advise.md` describes it."""

from __future__ import annotations

from typing import Any

from halfopen.advice.advise import Advice, DeadPeer, HopAdvice, Settings
from halfopen.kernel import TimeRange

VERSION = 1


def as_record(advice: Advice) -> dict[str, Any]:
    """A value for `json.dumps`; durations in seconds, intervals as [earliest, latest]."""
    suggestion = advice.suggestion
    return {
        "version": VERSION,
        "safe": advice.safe,
        "safe_with_one_probe_lost": advice.robust,
        **_settings(advice.settings),
        "retries2": advice.settings.stack.retries2,
        "hz": advice.settings.stack.hz,
        "probe_after_s": interval(advice.probe),
        "firewalls": [_hop(each) for each in advice.hops],
        "dead_peer": {
            "with_these_settings": _peer(advice.with_these),
            "without_any": _peer(advice.without),
        },
        "suggestion": None
        if suggestion is None
        else {
            **_settings(suggestion.settings),
            "safe_with_one_probe_lost": suggestion.robust,
        },
        "notes": list(advice.notes),
    }


def interval(value: TimeRange | None) -> list[float] | None:
    """Earliest and latest, to the millisecond."""
    return None if value is None else [round(value.earliest, 3), round(value.latest, 3)]


def _settings(settings: Settings) -> dict[str, Any]:
    keepalive = settings.keepalive
    patience = settings.user_timeout
    return {
        "keepalive": None
        if keepalive is None
        else {
            "idle_s": keepalive.idle,
            "interval_s": keepalive.interval,
            "probes": keepalive.probes,
        },
        "user_timeout_ms": 0 if patience is None else round(patience * 1000),
    }


def _hop(each: HopAdvice) -> dict[str, Any]:
    hop = each.hop
    return {
        "name": hop.name,
        "title": hop.title,
        "idle_timeout_s": hop.idle,
        "lifetime_s": hop.values.lifetime,
        "source": hop.source,
        "confidence": hop.confidence,
        "on_expiry": hop.values.on_expiry,
        "late_packet": hop.values.late_packet,
        "keepalive_refreshes": hop.values.keepalive_refreshes,
        "terminates_tcp": hop.values.terminates_tcp,
        "safe": each.safe,
        "safe_with_one_probe_lost": each.robust,
        "margin_s": _rounded(each.margin),
        "margin_with_one_probe_lost_s": _rounded(each.margin_one_lost),
        "why": each.why,
    }


def _peer(peer: DeadPeer) -> dict[str, Any]:
    return {"idle_s": interval(peer.idle), "busy_s": interval(peer.busy)}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
