"""RainerScript and the `$` directives before it, as text.

Source: rsyslog's documentation, "RainerScript" and "Legacy Configuration Directives".
"""

from __future__ import annotations

from collections.abc import Mapping

Value = str | int | float | bool | None


def statement(kind: str, values: Mapping[str, Value]) -> str:
    """`kind(name="value" ...)`; what is None is left to rsyslog."""
    said = " ".join(f'{name}="{_word(value)}"' for name, value in _given(values))
    return f"{kind}({said})"


def directives(values: Mapping[str, Value]) -> list[str]:
    """A `$Name value` line each; what is None is left to rsyslog."""
    return [f"${name} {_word(value)}" for name, value in _given(values)]


def _given(values: Mapping[str, Value]) -> list[tuple[str, Value]]:
    return [(name, value) for name, value in values.items() if value is not None]


def _word(value: Value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:.0f}"
    return str(value).replace("\\", "\\\\").replace('"', '\\"')


def fill(text: str, places: Mapping[str, str]) -> str:
    """A user's own configuration with `@name@` replaced; other @ stay as they are."""
    for name, value in places.items():
        text = text.replace(f"@{name}@", value)
    return text
