"""Scenario files that the command line names: read, and turned into plans for their lab."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from halfopen.errors import InputError, Problem, UsageError
from halfopen.model.plan import Plan
from halfopen.ports import LabSpec, Vocabulary
from halfopen.runner.auto import make_chooser
from halfopen.scenario import Scenario, load_scenario, make_plans
from halfopen.scenario.library import MARK, SUFFIX, path_of
from halfopen.sections import suggest
from halfopen.vocabulary import default_vocabulary

_Make = Callable[[Scenario, Collection[str] | None], Sequence[Plan]]


def scenario_files(paths: Sequence[Path]) -> list[Path]:
    """The scenario files that `paths` name: files as they are, directories with all below them.

    What begins with `@` names a scenario, or a directory, of the library; `@` is all of it.

    Raises:
        UsageError: if a directory holds none, or the library has none of that name.
    """
    found: list[Path] = []
    for each in paths:
        path = each
        if str(each).startswith(MARK) and not each.exists():
            path = path_of(str(each).removeprefix(MARK))
        if path.is_dir():
            below = sorted(path.rglob(f"*{SUFFIX}"))
            if not below:
                raise UsageError(f"{path}: no *{SUFFIX} in this directory or below it")
            found += below
        else:
            found.append(path)  # the loader says what is wrong with a file that is not there
    return list(dict.fromkeys(found))


def load_plans(
    paths: Sequence[Path],
    *,
    lab: LabSpec,
    scale: float | None = None,
    seed: int = 0,
    variants: Sequence[str] | None = None,
) -> list[Plan]:
    """The plans of all scenarios below `paths`; nothing is started.

    Raises:
        InputError: with everything that is wrong with any of the files.
        UsageError: if a variant is asked for that no file has.
    """

    def make(scenario: Scenario, names: Collection[str] | None) -> Sequence[Plan]:
        return make_plans(scenario, lab=lab, scale=scale, seed=seed, variants=names)

    return _load(paths, default_vocabulary(), variants, make)


def load_auto(
    paths: Sequence[Path],
    vocabulary: Vocabulary,
    *,
    scale: float | None,
    seed: int,
    variants: Sequence[str] | None,
    pcap: bool,
    say: Callable[[str], None],
) -> list[Plan]:
    """The plans of all scenarios below `paths`, each for the lab that is best for it.

    Args:
        paths: files and directories.
        vocabulary: that they name.
        scale: asked for; None for that of each file.
        seed: of the random generator.
        variants: names of those to play; None for all.
        pcap: captures are asked for.
        say: is told which labs were chosen, and why.

    Raises:
        InputError: with everything that is wrong with any of the files.
        UsageError: if a variant is asked for that no file has.
    """
    chooser = make_chooser(vocabulary, scale=scale, seed=seed, pcap=pcap)
    files: dict[tuple[str, str], int] = {}

    def make(scenario: Scenario, names: Collection[str] | None) -> Sequence[Plan]:
        choice = chooser.choose(scenario, names)
        if choice.plans:
            key = (choice.lab.name, choice.why)
            files[key] = files.get(key, 0) + 1
        return choice.plans

    plans = _load(paths, vocabulary, variants, make)
    for (lab, why), number in files.items():
        say(f"lab {lab} for {number} {'scenario' if number == 1 else 'scenarios'}: {why}")
    return plans


def _load(
    paths: Sequence[Path], vocabulary: Vocabulary, variants: Sequence[str] | None, make: _Make
) -> list[Plan]:
    problems: list[Problem] = []
    plans: list[Plan] = []
    known: set[str] = set()
    for path in scenario_files(paths):
        try:
            scenario = load_scenario(path, vocabulary)
            names = {each.name for each in scenario.variants}
            known |= names
            plans += make(scenario, None if variants is None else names.intersection(variants))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    if unknown := set(variants or ()) - known:
        raise UsageError(
            f"--variant: unknown variant {', '.join(map(repr, sorted(unknown)))}; "
            + suggest(sorted(unknown)[0], known, "available variants")
        )
    return plans
