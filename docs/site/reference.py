"""Pages about everything that a scenario or the command line can name, made from the code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from typer import Context
from typer.cli import get_docs_for_click

from halfopen.cli.lazy import COMMANDS, loaded
from halfopen.cli.listing import default_words, described, profile_item, profile_rows
from halfopen.ports import Fault
from halfopen.vocabulary import default_vocabulary


def pages() -> dict[str, str]:
    """Name -> Markdown of each page."""
    known = default_vocabulary()
    return {
        "reference/checks.md": _page(
            "Checks",
            "What can be asserted under `expect`. `halfopen checks NAME` shows the same.",
            (_section(described(c.name, c.summary, c)) for c in known.checks.values()),
        ),
        "reference/faults.md": _page(
            "Faults",
            "What a step can do to hosts, links and middleboxes. `halfopen faults NAME` also says "
            "which labs support it on your machine, and which scenarios use it.",
            (_fault(fault) for fault in known.faults.values()),
        ),
        "reference/systems.md": _page(
            "Systems",
            "What a host can `run`. `halfopen systems NAME` shows the same.",
            (_section(described(s.name, s.summary, s)) for s in known.systems.values()),
        ),
        "reference/profiles.md": _page(
            "Profiles",
            "Middleboxes, with the source and the confidence of each value. "
            "`halfopen profiles NAME` shows the same.",
            (_profile(profile_item(profile)) for profile in known.profiles.values()),
        ),
        "reference/commands.md": _page(
            "Command line", "As `halfopen COMMAND --help` says it.", map(_command, COMMANDS)
        ),
    }


def _page(title: str, about: str, sections: Iterable[str]) -> str:
    return "\n\n".join([f"# {title}", about, *sections]) + "\n"


def _section(item: Mapping[str, Any]) -> str:
    """Heading, text and parameters of a check, fault or system."""
    about = item["about"] or _sentence(item["summary"])
    parts = [f"## {item['name']}", *(" ".join(each.split()) for each in about.split("\n\n"))]
    if item["parameters"]:
        rows = [
            (
                f"`{key}`",
                value["type"],
                "required" if value["required"] else default_words(value["default"]),
                value["meaning"],
            )
            for key, value in item["parameters"].items()
        ]
        parts.append(_table(("parameter", "value", "default", "meaning"), rows))
    return "\n\n".join(parts)


def _fault(fault: type[Fault]) -> str:
    item = described(fault.name, fault.summary, fault) | {"about": fault.about()}
    ending = "It lasts until it is healed." if fault.heals() else "It takes effect at once."
    touches = " or ".join(fault.touches)
    unknown = f"A run in which it touches no {touches} is *unknown*, unless `may miss: true`."
    return f"{_section(item)}\n\n{ending} {unknown}"


def _profile(item: Mapping[str, Any]) -> str:
    rows, assumed = profile_rows(item)
    parts = [f"## {item['name']}", f"**{_sentence(item['summary'])}**", item["about"]]
    parts.append(
        _table(("key", "value", "source"), [(f"`{k}`", v, *[". ".join(s)]) for k, v, s in rows])
    )
    if assumed:
        parts.append(f"Assumed, without a source; set your own: {', '.join(assumed)}.")
    return "\n\n".join(part for part in parts if part)


def _command(name: str) -> str:
    command = loaded(name)
    text = str(get_docs_for_click(obj=command, ctx=Context(command), name=f"halfopen {name}"))
    return re.sub(r"^(#+)", r"#\1", text.strip(), flags=re.MULTILINE)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
