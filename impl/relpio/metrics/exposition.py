"""The two forms in which metrics leave the process."""

from __future__ import annotations

import json
import math
import time

from relpio.metrics.registry import Labels, Registry

__all__ = ["CONTENT_TYPE", "json_text", "prometheus_text"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of the Prometheus text format (prometheus.io/docs/instrumenting/exposition_formats)."""


def prometheus_text(registry: Registry) -> str:
    """Write the Prometheus text format, version 0.0.4."""
    lines: list[str] = []
    for family in registry.collect():
        lines.append(f"# HELP {family.name} {_escape(family.help)}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        lines += [f"{family.name}{_labels(s.labels)} {_number(s.value)}" for s in family.samples]
    return "\n".join(lines) + "\n"


def json_text(registry: Registry) -> str:
    """Write one JSON object: `t` (Unix time) and `metrics`, a list of name, labels, value."""
    metrics = [
        {"name": family.name, "type": family.kind, "labels": dict(s.labels), "value": s.value}
        for family in registry.collect()
        for s in family.samples
    ]
    return json.dumps({"t": round(time.time(), 6), "metrics": metrics}) + "\n"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    inner = ",".join(f'{name}="{_escape(value, quotes=True)}"' for name, value in labels)
    return "{" + inner + "}"


def _escape(text: str, *, quotes: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    # Counts are written in full: 1e+06 would lose the last digits of a counter.
    return str(int(value)) if value == int(value) else repr(value)
