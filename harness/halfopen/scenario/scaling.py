"""Divides production durations by the time scale, as far as the thing that takes them allows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic.fields import FieldInfo

from halfopen.fields import Scaled, Section, marks

S = TypeVar("S", bound=Section)

LARGEST_SCALE = 1_000_000.0
"""Seconds of production in one of the lab, at most."""


@dataclass(frozen=True)
class Change:
    """What the scale made of one duration.

    Attributes:
        keys: the way to it, as in a scenario: `("keepalive", "idle")`.
        production_s: seconds as written.
        lab_s: seconds as run.
    """

    keys: tuple[str, ...]
    production_s: float
    lab_s: float


def scale_seconds(seconds: float, scale: float, mark: Scaled = Scaled()) -> float:  # noqa: B008
    """`seconds` of production as seconds of lab time.

    Args:
        seconds: as written.
        scale: seconds of production that pass in one of the lab.
        mark: what the field allows.
    """
    scaled = seconds / scale
    if mark.whole:
        return float(max(1, round(scaled)))
    # Never below the least that makes sense, but nothing becomes longer than it is.
    return max(scaled, min(seconds, mark.least))


def scale_section(section: S, scale: float) -> tuple[S, list[Change]]:
    """`section` with every duration in it scaled, however deep, and what changed."""
    changes: list[Change] = []
    return _section(section, scale, (), changes), changes


def _section(section: S, scale: float, keys: tuple[str, ...], changes: list[Change]) -> S:
    update = {}
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        inner = (*keys, field.alias or name)
        mark = _mark(field)
        if mark is not None and mark.whole and section.takes_fractions():
            mark = replace(mark, whole=False)
        update[name] = _value(value, mark, scale, inner, changes)
    return section.model_copy(update=update)


def _value(
    value: Any, mark: Scaled | None, scale: float, keys: tuple[str, ...], changes: list[Change]
) -> Any:
    if isinstance(value, Section):
        return _section(value, scale, keys, changes)
    if isinstance(value, list | tuple):
        return type(value)(_value(each, mark, scale, keys, changes) for each in value)
    if isinstance(value, dict):
        return {
            key: _value(each, mark, scale, (*keys, str(key)), changes)
            for key, each in value.items()
        }
    if mark is None or isinstance(value, bool) or not isinstance(value, int | float):
        return value
    scaled = scale_seconds(float(value), scale, mark)
    changes.append(Change(keys, float(value), scaled))
    return scaled


def _mark(field: FieldInfo) -> Scaled | None:
    return next((each for each in marks(field) if isinstance(each, Scaled)), None)
