"""A page in Markdown about each scenario of a run: what happened, the picture, the cure."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from halfopen.model.history import History
from halfopen.model.units import format_duration
from halfopen.model.verdict import CheckResult, VariantResult, Verdict
from halfopen.report._text import MARKS, seen, wanted
from halfopen.report.picture import draw

_ENVIRONMENT = Environment(
    loader=PackageLoader("halfopen.report"),
    autoescape=False,  # Markdown; table cells are escaped by `cell`
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["duration"] = format_duration
_ENVIRONMENT.filters["cell"] = lambda text: str(text).replace("|", "\\|").replace("\n", " ")

Run = tuple[VariantResult, History]


def write_pages(runs: Sequence[Run], directory: Path) -> list[Path]:
    """Write `NAME.md` and `NAME.svg` for each scenario file of a run.

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
        members.sort(key=lambda run: not run[0].reproduces)  # first what goes wrong
        name = Path(file).name.removesuffix(".yaml").removesuffix(".scenario")
        picture = draw([(_title(result), history) for result, history in members])
        (directory / f"{name}.svg").write_text(picture, encoding="utf-8")
        page = directory / f"{name}.md"
        page.write_text(render_page(name, members), encoding="utf-8")
        pages.append(page)
    return pages


def render_page(name: str, members: Sequence[Run]) -> str:
    """The page about one scenario, see :func:`write_pages`."""
    first, history = members[0]
    variants = [_variant(result, history) for result, history in members]
    return _ENVIRONMENT.get_template("page.md.j2").render(
        name=name,
        scenario=first.scenario,
        file=first.file,
        lab=first.lab,
        version=version("halfopen"),
        day=str(history.header["started"])[:10],
        about=_words(history, "about"),
        source=_words(history, "source"),
        hosts=[
            (host["name"], host.get("system") or f"middlebox, profile {host.get('profile')}")
            for host in sorted(
                history.plan["hosts"], key=lambda h: list(history.plan["path"]).index(h["name"])
            )
        ],
        broken=[each for each in variants if each["reproduces"]],
        cured=[each for each in variants if not each["reproduces"]],
        variants=variants,
    )


def _title(result: VariantResult) -> str:
    kind = "reproduces the failure" if result.reproduces else "holds"
    if result.verdict is not Verdict.PASS:
        kind = str(result.verdict)
    return f"{result.variant}: {kind}"


def _variant(result: VariantResult, history: History) -> dict[str, Any]:
    return {
        "name": result.variant,
        "about": _words(history, "variant_about"),
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
