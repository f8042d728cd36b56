"""A page in Markdown about each scenario of a run: what happened, the picture, the cure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from halfopen.errors import UsageError
from halfopen.model.history import History
from halfopen.model.plan import hosts_on_paths
from halfopen.model.units import format_duration
from halfopen.model.verdict import CheckResult, VariantResult
from halfopen.report._pieces import Pieces, read_pieces
from halfopen.report._text import MARKS, seen, wanted
from halfopen.report.files import write_file
from halfopen.report.picture import draw

_ENVIRONMENT = Environment(
    loader=PackageLoader("halfopen.report"),
    autoescape=False,  # Markdown; table cells are escaped by `cell`
    undefined=StrictUndefined,
    trim_blocks=True,
    keep_trailing_newline=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["duration"] = format_duration
_ENVIRONMENT.filters["cell"] = lambda text: str(text).replace("|", "\\|").replace("\n", " ")

Run = tuple[VariantResult, History]

INDEX = "README.md"
_MADE = "<!-- made by halfopen page -->"


def write_pages(runs: Sequence[Run], directory: Path) -> list[Path]:
    """Write `NAME.md` and `NAME.svg` for each scenario file of a run.

    What a page shows of the scenario file is read from there, if it is still there.

    Args:
        runs: the variants, each with the history that its verdict rests on.
        directory: for the pages; those of the same name are replaced.

    Returns:
        the pages.

    Raises:
        UnsupportedError: if the library is missing that draws the pictures.
    """
    scenarios: dict[str, list[Run]] = {}
    for result, history in runs:
        scenarios.setdefault(result.file, []).append((result, history))
    directory.mkdir(parents=True, exist_ok=True)
    pages = []
    for file, members in scenarios.items():
        pieces = read_pieces(Path(file))
        order = list(pieces.variants)
        # First what goes wrong, then as in the file.
        members.sort(key=lambda run: (not run[0].reproduces, _place(order, run[0].variant)))
        name = Path(file).name.removesuffix(".yaml").removesuffix(".scenario")
        picture = draw([(_title(result), history) for result, history in members])
        write_file(directory / f"{name}.svg", picture)
        page = directory / f"{name}.md"
        write_file(page, render_page(name, members, pieces))
        pages.append(page)
    return pages


def render_page(name: str, members: Sequence[Run], pieces: Pieces | None = None) -> str:
    """The page about one scenario, see :func:`write_pages`."""
    first, history = members[0]
    pieces = pieces or Pieces()
    variants = [_variant(result, history, pieces) for result, history in members]
    return _ENVIRONMENT.get_template("page.md.j2").render(
        made=_MADE,
        name=name,
        scenario=first.scenario,
        file=first.file,
        lab=first.lab,
        version=version("halfopen"),
        day=str(history.header["started"])[:10],
        about=_words(history, "about"),
        source=_words(history, "source"),
        play=pieces.play,
        hosts=[(host["name"], _role(host, history)) for host in _in_order(history)],
        broken=[each for each in variants if each["reproduces"]],
        cured=[each for each in variants if not each["reproduces"]],
        variants=variants,
    )


def write_index(directory: Path) -> Path:
    """Write `README.md` about all pages of a directory, also those of earlier runs.

    Raises:
        UsageError: if a README.md is there that was not made so.
    """
    index = directory / INDEX
    if index.exists() and _MADE not in index.read_text(encoding="utf-8"):
        raise UsageError(f"{index} was not written by `halfopen page`; choose another directory")
    pages = []
    for page in sorted(directory.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        if page.name != INDEX and _MADE in text:
            pages.append({"file": page.name, **_summary(text)})
    write_file(
        index,
        _ENVIRONMENT.get_template("pages.md.j2").render(made=_MADE, pages=pages),
    )
    return index


def _summary(text: str) -> dict[str, Any]:
    """Title, source and path of a page, and how many variants it has of either kind."""
    broken, _, cured = text.partition("\n## What ")[2].partition("\n## What ")
    if not broken.startswith("goes wrong"):
        broken, cured = "", broken
    source = re.search(r"^Source: (.*)$", text, re.MULTILINE)
    hosts = re.findall(r"^\d+\. \*\*.*?\*\*: (?:middlebox, profile )?([^,\n]*)", text, re.MULTILINE)
    return {
        "title": text.partition("\n")[0].removeprefix("# "),
        "source": source[1] if source else "",
        "path": hosts,
        "broken": broken.count("\n### "),
        "cured": cured.count("\n### "),
    }


def _place(order: Sequence[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


def _in_order(history: History) -> list[dict[str, Any]]:
    path = hosts_on_paths(history.plan)
    inside = [host for host in history.plan["hosts"] if host["name"] in path]
    return sorted(inside, key=lambda host: path.index(host["name"]))


def _role(host: dict[str, Any], history: History) -> str:
    """What a host is: a program, or a middlebox with its figures, in production values."""
    if host.get("system"):
        return str(host["system"])
    options = host.get("options") or {}
    words = [f"middlebox, profile {host.get('profile')}"]
    idle = next(
        (
            float(each["production_s"])
            for each in history.plan["scaling"]
            if each["name"] == f"{host['name']} idle timeout"
        ),
        None,
    )
    if idle is not None:
        words.append(f"idle timeout {_exactly(idle)}")
    if "on_expiry" in options:
        words.append(f"on expiry {options['on_expiry']}")
    if "late_packet" in options:
        words.append(f"late packets: {options['late_packet']}")
    return ", ".join(words)


def _exactly(seconds: float) -> str:
    """As vendors write it: 350 s are not about 6 min."""
    return f"{seconds:g} s" if seconds % 60 else format_duration(seconds)


def _title(result: VariantResult) -> str:
    kind = "reproduces the failure" if result.reproduces else "holds"
    if not result.verdict.as_expected:
        kind = str(result.verdict)
    return f"{result.variant}: {kind}"


def _variant(result: VariantResult, history: History, pieces: Pieces) -> dict[str, Any]:
    return {
        "name": result.variant,
        "about": _words(history, "variant_about"),
        "difference": pieces.variants.get(result.variant, ""),
        "as_expected": result.verdict.as_expected,
        "reproduces": result.reproduces,
        "mark": MARKS[result.verdict],
        "scale": history.scale,
        "virtual_s": result.virtual_s,
        "wall_s": result.wall_s,
        "checks": [_check(check) for check in result.checks],
    }


def _check(check: CheckResult) -> dict[str, str]:
    return {
        "name": check.label or check.check,
        "mark": MARKS[check.verdict],
        "wanted": wanted(check),
        "seen": seen(check),
        "why": check.why,
    }


def _words(history: History, key: str) -> str:
    return " ".join(str(history.plan.get(key) or "").split())
