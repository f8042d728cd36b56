"""`halfopen profiles | faults | systems | checks`: what there is."""

from __future__ import annotations

import inspect
import json as json_module
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from halfopen.cli.completion import listed
from halfopen.cli.fault_page import fault_page, scenarios_by_fault
from halfopen.cli.parameters import describe
from halfopen.errors import UsageError
from halfopen.fields import Section
from halfopen.ports import Profile
from halfopen.profiles import ASSUMED
from halfopen.scenario import library as scenario_library
from halfopen.sections import say_duration, suggest
from halfopen.vocabulary import default_vocabulary

Name = Annotated[str | None, typer.Argument(help="Explain only this one.", autocompletion=listed)]
_PLAIN_TABLE: Any = {"box": None, "pad_edge": False, "header_style": "bold"}
AsJson = Annotated[bool, typer.Option("--json", help="As a JSON list, for scripts.")]


def profiles(name: Name = None, json: AsJson = False) -> None:
    """List the middlebox profiles, or explain one with its sources."""
    _show("profile", [profile_item(p) for p in default_vocabulary().profiles.values()], name, json)


def faults(name: Name = None, json: AsJson = False) -> None:
    """List the faults, or explain one: parameters, labs that support it, scenarios that use it."""
    found = default_vocabulary().faults.values()
    chosen = [f for f in found if name in (None, f.name)]
    shown = scenarios_by_fault(scenario_library.directory()) if chosen else {}
    pages = [fault_page(f, shown.get(f.name, ())) for f in (chosen or found)]
    _show("fault", pages, name, json)


def systems(name: Name = None, json: AsJson = False) -> None:
    """List the systems under test, or explain one."""
    found = default_vocabulary().systems.values()
    _show("system", [described(s.name, s.summary, s) for s in found], name, json)


def checks(name: Name = None, json: AsJson = False) -> None:
    """List the checks, or explain one."""
    found = default_vocabulary().checks.values()
    _show("check", [described(c.name, c.summary, c) for c in found], name, json)


def described(name: str, summary: str, section: type[Section]) -> dict[str, Any]:
    """All that is known of a check or a system, as plain JSON."""
    return {
        "name": name,
        "summary": summary,
        "parameters": describe(section),
        "about": inspect.cleandoc(section.__doc__ or "").partition("\n\nAttributes:")[0],
    }


def profile_item(profile: Profile) -> dict[str, Any]:
    """All that is known of a profile, as plain JSON."""
    return {
        "name": profile.name,
        "summary": profile.title,
        "about": profile.about,
        "values": profile.values.model_dump(mode="json"),
        "ranges": {key: list(limits) for key, limits in profile.ranges.items()},
        "sources": {key: dict(value) for key, value in profile.sources.items()},
    }


def _show(kind: str, items: Sequence[Mapping[str, Any]], name: str | None, json: bool) -> None:
    if name is not None:
        chosen = [item for item in items if item["name"] == name]
        if not chosen:
            known = [item["name"] for item in items]
            remedy = suggest(name, known, f"available {kind}s")
            raise UsageError(f"unknown {kind} {name!r}; {remedy}")
        items = chosen
    if json:
        typer.echo(json_module.dumps(items, indent=2))
        return
    console = Console()
    if name is None:
        table = Table(box=None, pad_edge=False, show_header=False)
        for item in items:
            table.add_row(item["name"], *_idle(item), item["summary"])
        console.print(table)
        return
    _explain(console, items[0])


def _idle(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Of a profile, the one figure that everybody looks for."""
    if "values" not in item:
        return ()
    unsure = item["sources"]["idle timeout"]["confidence"] == "unverified"
    return (value_words("idle timeout", item["values"]["idle_timeout"]) + (" ?" if unsure else ""),)


def _explain(console: Console, item: Mapping[str, Any]) -> None:
    console.print(f"{item['name']}: {item['summary']}", highlight=False)
    if "values" in item:
        _explain_profile(console, item)
        return
    if item["about"]:
        paragraphs = [" ".join(each.split()) for each in item["about"].split("\n\n")]
        console.print("\n" + "\n\n".join(paragraphs), highlight=False, markup=False)
    if item["parameters"]:
        table = Table("parameter", "value", "default", "meaning", **_PLAIN_TABLE)
        for key, value in item["parameters"].items():
            default = "(required)" if value["required"] else default_words(value["default"])
            table.add_row(*map(escape, (key, value["type"], default, value["meaning"])))
        console.print()
        console.print(table, highlight=False)
    if "labs" in item:
        _explain_fault(console, item)


def default_words(value: object) -> str:
    """The default of a parameter, as a person says it."""
    if value is None:
        return "none"
    return value_words("", value) if isinstance(value, bool) else str(value)


def _explain_fault(console: Console, item: Mapping[str, Any]) -> None:
    ending = (
        "Lasts `for: 5 min`, `until` a condition, or up to a `heal` step; at the latest it is "
        "healed before the run is judged."
        if item["heals"]
        else "Takes effect at once; there is nothing to heal."
    )
    console.print(f"\n{ending}", highlight=False)
    units = " or ".join(item["touches"])
    console.print(
        f"A run in which it touches no {units} is unknown, unless its step says `may miss: true`.",
        highlight=False,
    )
    table = Table("lab", "here", "", **_PLAIN_TABLE)
    for lab in item["labs"]:
        engines = f"middlebox engine: {' or '.join(lab['engines'])}" if lab["engines"] else ""
        said = engines if lab["can"] else "\n".join(lab["reasons"])
        state = "supported" if lab["can"] else "not supported"
        table.add_row(lab["name"], state, escape(said))
    console.print()
    console.print(table, highlight=False)
    if item["scenarios"]:
        console.print("\nUsed by: " + "\n         ".join(item["scenarios"]), highlight=False)


def _explain_profile(console: Console, item: Mapping[str, Any]) -> None:
    if item["about"]:
        console.print(f"\n{item['about']}", highlight=False)
    rows, assumed = profile_rows(item)
    table = Table.grid(padding=(0, 2))
    for key, shown, said in rows:
        table.add_row(key, shown, "\n".join(said))
    console.print()
    console.print(table, highlight=False)
    if assumed:
        console.print(
            f"\nAssumed, without a source; set your own: {', '.join(assumed)}.", highlight=False
        )


def profile_rows(
    item: Mapping[str, Any],
) -> tuple[Sequence[tuple[str, str, Sequence[str]]], Sequence[str]]:
    """The values of a profile that have a source, and those that are assumed.

    Args:
        item: a profile, see `profile_item`.

    Returns:
        key, value and sentences about it (range, confidence and source, notes) of each value;
        and `key value` of each that is assumed.
    """
    rows, assumed = [], []
    for field, value in item["values"].items():
        key = field.replace("_", " ")
        shown, source = value_words(key, value), item["sources"].get(key, {})
        if source.get("source") == ASSUMED:
            if value not in (False, "any"):  # no proxy, any engine: goes without saying
                assumed.append(f"{key} {shown}")
            continue
        said = [f"{source.get('confidence', '')}: {source.get('source', '')}"]
        if limits := [say_duration(each) for each in item["ranges"].get(key, ())]:
            fixed = len(set(limits)) == 1
            said.insert(0, "cannot be changed" if fixed else f"range {' to '.join(limits)}")
        said += [f"{kind}: {source[kind]}" for kind in ("note", "conflict") if kind in source]
        rows.append((key, shown, said))
    return rows, assumed


def value_words(key: str, value: object) -> str:
    """A value of a profile, or the default of a parameter, as a person says it."""
    if value is None:
        return "unlimited" if key in ("table size", "flows per source", "nat ports") else "never"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return say_duration(value) if isinstance(value, float) else str(value)
