"""`halfopen profiles | faults | systems | checks`: what there is."""

from __future__ import annotations

import json as json_module
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from halfopen.errors import UsageError
from halfopen.fields import Section
from halfopen.model.units import format_duration
from halfopen.ports import Profile
from halfopen.vocabulary import default_vocabulary

Name = Annotated[str | None, typer.Argument(help="Explain this one.")]
AsJson = Annotated[bool, typer.Option("--json", help="As a JSON list, for scripts.")]


def profiles(name: Name = None, json: AsJson = False) -> None:
    """List the middlebox profiles, or explain one with its sources."""
    _show("profile", [_profile(p) for p in default_vocabulary().profiles.values()], name, json)


def faults(name: Name = None, json: AsJson = False) -> None:
    """List the faults, or explain one."""
    found = default_vocabulary().faults.values()
    _show("fault", [_described(f.name, f.summary, f.params) for f in found], name, json)


def systems(name: Name = None, json: AsJson = False) -> None:
    """List the systems under test, or explain one."""
    found = default_vocabulary().systems.values()
    _show("system", [_described(s.name, s.summary, s.options) for s in found], name, json)


def checks(name: Name = None, json: AsJson = False) -> None:
    """List the checks, or explain one."""
    found = default_vocabulary().checks.values()
    _show("check", [_described(c.name, c.summary, c.params) for c in found], name, json)


def _described(name: str, summary: str, section: type[Section]) -> dict[str, Any]:
    parameters = {
        field.alias or key: {
            "required": field.is_required(),
            "default": None if field.is_required() else _plain(field.default),
        }
        for key, field in section.model_fields.items()
    }
    return {
        "name": name,
        "summary": summary,
        "parameters": parameters,
        "about": section.__doc__ or "",
    }


def _profile(profile: Profile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "summary": profile.title,
        "values": profile.values.model_dump(mode="json"),
        "sources": {key: dict(value) for key, value in profile.sources.items()},
    }


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _show(kind: str, items: Sequence[Mapping[str, Any]], name: str | None, json: bool) -> None:
    if name is not None:
        chosen = [item for item in items if item["name"] == name]
        if not chosen:
            known = ", ".join(item["name"] for item in items)
            raise UsageError(f"there is no {kind} {name!r}; there are: {known}")
        items = chosen
    if json:
        typer.echo(json_module.dumps(items, indent=2))
        return
    console = Console()
    if name is None:
        table = Table(box=None, pad_edge=False, show_header=False)
        for item in items:
            table.add_row(item["name"], item["summary"])
        console.print(table)
        return
    _explain(console, items[0])


def _explain(console: Console, item: Mapping[str, Any]) -> None:
    console.print(f"{item['name']}: {item['summary']}", highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    if "values" in item:
        for column in ("value", "is", "confidence", "source"):
            table.add_column(column)
        for key, value in item["values"].items():
            source = item["sources"].get(key, {})
            shown = format_duration(value) if isinstance(value, float) else str(value)
            table.add_row(
                key.replace("_", " "), shown, source.get("confidence", ""), source.get("source", "")
            )
    else:
        for column in ("parameter", "default"):
            table.add_column(column)
        for key, value in item["parameters"].items():
            table.add_row(key, "(required)" if value["required"] else str(value["default"]))
        console.print("\n" + "\n".join(line.strip() for line in item["about"].splitlines()))
    console.print(table)
