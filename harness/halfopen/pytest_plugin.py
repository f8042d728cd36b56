"""pytest plugin: scenario files are collected, one item for each variant; and a fixture for labs.

`pytest scenarios/` plays every `*.scenario.yaml` that it meets: all that were selected side by
side, when the first is asked for, since they mostly wait.  Each then reports its own verdict.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # imported when needed: the plugin is loaded in every pytest of a machine
    from halfopen.api import OpenLab
    from halfopen.model.plan import Plan
    from halfopen.model.verdict import ControlResult, VariantResult
    from halfopen.ports import LabSpec

SUFFIX = ".scenario.yaml"
_LATE = "halfopen late"
_CHOSEN = "halfopen lab"
_CHOOSER = pytest.StashKey[Any]()
_RESULTS = pytest.StashKey["dict[tuple[str, str], VariantResult]"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of `pytest` that go to every scenario."""
    group = parser.getgroup("halfopen", "scenarios of halfopen")
    where = "the lab of scenarios and of halfopen_lab; auto: warp where it can, else netns"
    group.addoption("--halfopen-lab", help=f"{where} (default: the ini option halfopen_lab)")
    parser.addini("halfopen_lab", f"{where} (default: netns)", default="netns")
    group.addoption("--halfopen-scale", type=float, default=None, help="time scale")
    group.addoption(
        "--halfopen-late-retries",
        type=int,
        default=0,
        help="times to run a variant again if it is unknown because the machine was late",
    )
    group.addoption(
        "--halfopen-control",
        action="store_true",
        help="play each variant also without its faults; it fails if no expectation notices them",
    )
    group.addoption("--halfopen-seed", type=int, default=0, help="seed of the random generator")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect `*.scenario.yaml`."""
    if file_path.name.endswith(SUFFIX):
        collected: pytest.Collector = ScenarioFile.from_parent(parent, path=file_path)
        return collected
    return None


class ScenarioFile(pytest.File):
    """A scenario file; its items are its variants."""

    def collect(self) -> Iterable[pytest.Item]:
        """One item for each variant; a file that is wrong is an error of collection."""
        from halfopen.errors import HalfopenError

        try:
            self._plans = self._load()
        except HalfopenError as error:
            raise self.CollectError(str(error)) from None
        for plan in self._plans:
            yield VariantItem.from_parent(self, name=plan.variant, plan=plan)

    def _load(self) -> list[Plan]:
        from halfopen.labs import lab_named
        from halfopen.runner.auto import AUTO, make_chooser
        from halfopen.scenario import load_scenario, make_plans
        from halfopen.vocabulary import default_vocabulary

        vocabulary = default_vocabulary()
        scenario = load_scenario(self.path, vocabulary)
        name = _lab_name(self.config)
        scale = self.config.getoption("--halfopen-scale")
        seed = self.config.getoption("--halfopen-seed")
        if name != AUTO:
            return make_plans(scenario, lab=lab_named(name), scale=scale, seed=seed)
        chooser = self.config.stash.get(_CHOOSER, None)
        if chooser is None:  # whether a lab works here is looked up once
            chooser = make_chooser(vocabulary, scale=scale, seed=seed)
            self.config.stash[_CHOOSER] = chooser
        return list(chooser.choose(scenario).plans)


def _lab_name(config: pytest.Config) -> str:
    return str(config.getoption("--halfopen-lab") or config.getini("halfopen_lab"))


def _results(item: VariantItem) -> dict[tuple[str, str], VariantResult]:
    """The verdicts by file and variant; the first call plays everything that was selected.

    Runs mostly wait, so they go side by side.  Under xdist each worker plays the files that it
    was given; which those are it does not know before, so it plays one file at a time.
    """
    from halfopen.labs import lab_named
    from halfopen.runner.choice import play_by_lab
    from halfopen.runner.concurrency import jobs_for
    from halfopen.runner.run import run_plans, run_with_controls
    from halfopen.vocabulary import default_vocabulary

    known = item.config.stash.setdefault(_RESULTS, {})
    if item.key in known:
        return known
    if missing := lab_named(item.plan.lab).missing():
        pytest.skip(f"the lab {item.plan.lab} does not work here: {'; '.join(missing)}")
    distributed = hasattr(item.config, "workerinput")
    chosen = [
        each.plan
        for each in item.session.items
        if isinstance(each, VariantItem) and (each.parent is item.parent or not distributed)
    ]
    names = dict.fromkeys(plan.lab for plan in chosen)
    labs = [lab for lab in map(lab_named, names) if not lab.missing()]
    names = dict.fromkeys(lab.name for lab in labs)
    chosen = [plan for plan in chosen if plan.lab in names]
    cache = getattr(item.config, "cache", None)  # there is none under -p no:cacheprovider
    out = cache.mkdir("halfopen") if cache else Path(tempfile.mkdtemp(prefix="halfopen-"))
    retries = item.config.getoption("--halfopen-late-retries")
    vocabulary = default_vocabulary()

    def play(plans: Sequence[Plan], below: str) -> Coroutine[Any, Any, list[VariantResult]]:
        async def play_in(
            lab: LabSpec, part: Sequence[Plan], directories: Sequence[Path]
        ) -> list[VariantResult]:
            return await run_plans(
                part,
                lab,
                vocabulary,
                out / below,
                jobs=jobs_for(lab),
                late_retries=retries,
                directories=directories,
            )

        return play_by_lab(plans, labs, out / below, play_in)

    controls = item.config.getoption("--halfopen-control")
    runs = run_with_controls(chosen, vocabulary, play) if controls else play(chosen, "")
    known.update({(r.file, r.variant): r for r in asyncio.run(runs)})
    return known


class VariantItem(pytest.Item):
    """One variant of a scenario."""

    def __init__(self, *, plan: Plan, **more: Any) -> None:
        super().__init__(**more)
        self.plan = plan
        if self.config.pluginmanager.hasplugin("xdist"):
            # Under `pytest -n N --dist loadgroup` one worker plays all variants of a file.
            self.add_marker(pytest.mark.xdist_group(str(self.path)))
        if self.config.pluginmanager.hasplugin("timeout"):
            # The first item plays all of them; every run is bounded by itself.
            self.add_marker(pytest.mark.timeout(0))

    @property
    def key(self) -> tuple[str, str]:
        """What tells it apart in a session."""
        return self.plan.file, self.plan.variant

    def runtest(self) -> None:
        """Ask for the verdict; the item fails if it is not a pass, or the control is not clean."""
        from halfopen.model.verdict import Verdict
        from halfopen.report._text import retried_words

        if self.plan.lab_why:
            self.user_properties.append((_CHOSEN, f"{self.plan.lab}: {self.plan.lab_why}"))
        result = _results(self)[self.key]
        if late := result.extra.get("late"):
            self.user_properties.append((_LATE, retried_words(late)))
        if result.verdict is Verdict.UNSUPPORTED:
            pytest.skip(f"unsupported: {result.why}")
        if not result.verdict.as_expected:
            raise NotAsExpectedError(result)
        if result.control is not None and not result.control.clean:
            raise NotCleanError(result.control)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What was expected, with its line in the file, and what was seen; no traceback."""
        if isinstance(excinfo.value, NotAsExpectedError):
            return explain(excinfo.value.result, self.path)
        if isinstance(excinfo.value, NotCleanError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it is, for pytest's headings."""
        return self.path, None, f"{self.plan.scenario}: {self.name}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the labs that were chosen, and the variants that were run again."""
    found = [
        (report.nodeid, name, words)
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, words in report.user_properties
    ]
    chosen = Counter(words for _, name, words in found if name == _CHOSEN)
    _section(terminalreporter, "labs", [f"{n} in {words}" for words, n in chosen.items()])
    late = [f"{node}: {words}" for node, name, words in found if name == _LATE]
    _section(terminalreporter, "variants that were run again", late)


def _section(terminalreporter: pytest.TerminalReporter, title: str, lines: list[str]) -> None:
    if lines:
        terminalreporter.section(title)
        for line in lines:
            terminalreporter.write_line(line)


class NotAsExpectedError(Exception):
    """The verdict on a variant is not a pass."""

    def __init__(self, result: VariantResult) -> None:
        super().__init__(result.why)
        self.result = result


class NotCleanError(Exception):
    """No expectation of a variant tells it from a run without its faults."""

    def __init__(self, control: ControlResult) -> None:
        history = f"history of the run without the faults: {control.directory}"
        super().__init__(f"not clean: {control.in_words}\n{history}")


def explain(result: VariantResult, path: Path) -> str:
    """The lines of the scenario that did not hold, and the evidence."""
    source = path.read_text(encoding="utf-8").splitlines()
    lines = [f"{result.verdict}: {result.why}", ""]
    for check in result.checks:
        if check.as_expected:
            continue
        lines.append(f"{path.name}:{check.line}: {check.label or check.check}")
        if 0 < check.line <= len(source):
            lines.append(f">   {source[check.line - 1].strip()}")
        if check.expected != "pass":
            lines.append("    this variant reproduces a failure: the check had to fail")
        lines.append(f"E   {check.verdict}: {check.why}")
        lines += [f"E     {fact.t:8.2f} s  {fact.text}" for fact in check.evidence]
        lines.append("")
    lines.append(f"history: {result.directory}  (judge again: halfopen check {result.directory})")
    return "\n".join(lines)


LabMaker = Callable[..., "OpenLab"]


@pytest.fixture
def halfopen_lab(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LabMaker]:
    """Make fresh labs: the fixture is a function with the options of :func:`halfopen.open_lab`.

    All are gone when the test ends.  Where labs do not work, the test is skipped with the reason.
    """
    from halfopen.api import open_lab
    from halfopen.errors import UnsupportedError

    name = re.sub(r"[^A-Za-z0-9._-]", "-", request.node.name)
    with ExitStack() as labs:

        def make(**options: Any) -> OpenLab:
            opened: AbstractContextManager[OpenLab] = open_lab(
                tmp_path / f"lab-{len(labs._exit_callbacks)}",  # type: ignore[attr-defined]
                name=name,
                **{"lab": _lab_name(request.config), **options},
            )
            try:
                lab = labs.enter_context(opened)
            except UnsupportedError as error:
                pytest.skip(str(error))
            if lab.lab_why:
                request.node.user_properties.append((_CHOSEN, f"{lab.lab}: {lab.lab_why}"))
            return lab

        yield make
