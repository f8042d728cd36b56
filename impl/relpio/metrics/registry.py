"""The metrics of one process: counters that only grow, and gauges that are read when asked for.

A part of the program registers its metrics once, under names after the Prometheus conventions
(`relpio_acks_total`), and forgets about them. Reading is the exporter's business: a gauge costs
nothing until somebody looks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

__all__ = ["Counter", "Family", "Registry", "Sample"]

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

Labels = tuple[tuple[str, str], ...]
Read = Callable[[], float]


class Counter:
    """A number that only grows. It starts at 0 with the process."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        """Start at 0."""
        self.value: float = 0

    def add(self, amount: float = 1) -> None:
        """Count `amount` more, which is not below 0."""
        self.value += amount


class Sample(NamedTuple):
    """One metric: its labels and its value now."""

    labels: Labels
    value: float


class Family(NamedTuple):
    """All metrics of one name. `kind` is `counter` or `gauge`."""

    name: str
    kind: str
    help: str
    samples: list[Sample]


class _Series:
    """What is registered under one name."""

    __slots__ = ("counters", "help", "kind", "reads")

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.help = text
        self.counters: dict[Labels, Counter] = {}
        self.reads: dict[Labels, Read] = {}


class Registry:
    """Metrics by name and labels."""

    def __init__(self) -> None:
        """Start empty."""
        self._series: dict[str, _Series] = {}
        self._labels: dict[str, str] = {}

    def labelled(self, **labels: str) -> Registry:
        """Return a registry of the same metrics, in which those of a part get more `labels`."""
        part = Registry()
        part._series = self._series
        part._labels = {**self._labels, **labels}
        return part

    def counter(self, name: str, help: str, read: Read | None = None, **labels: str) -> Counter:
        """Return the counter of that name and those labels; it is made at the first call.

        With `read`, the value is what that returns: for a program that counts already.

        Raises:
            ValueError: the name does not suit Prometheus, or stands for a gauge.
        """
        series, key = self._registered("counter", name, help, labels)
        if read is not None:
            series.reads[key] = read
        return series.counters.setdefault(key, Counter())

    def gauge(self, name: str, help: str, read: Read, **labels: str) -> None:
        """Let `read` say the value of that name and those labels whenever somebody asks.

        Raises:
            ValueError: the name does not suit Prometheus, or stands for a counter.
        """
        series, key = self._registered("gauge", name, help, labels)
        series.reads[key] = read

    def collect(self) -> Iterator[Family]:
        """Read everything, by name, then by labels."""
        for name, series in sorted(self._series.items()):
            values = {key: counter.value for key, counter in series.counters.items()}
            values.update((key, float(read())) for key, read in series.reads.items())
            samples = [Sample(key, value) for key, value in sorted(values.items())]
            yield Family(name, series.kind, series.help, samples)

    def _registered(
        self, kind: str, name: str, text: str, labels: dict[str, str]
    ) -> tuple[_Series, Labels]:
        labels = {**self._labels, **labels}
        if not _NAME.fullmatch(name) or not all(map(_LABEL.fullmatch, labels)):
            raise ValueError(f"{name!r} {labels}: not a name that Prometheus takes")
        series = self._series.setdefault(name, _Series(kind, text))
        if series.kind != kind:
            raise ValueError(f"{name} is a {series.kind}, not a {kind}")
        return series, tuple(sorted(labels.items()))
