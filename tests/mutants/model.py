"""Catalogue of mutants: what each one changes, and what must catch it."""

from __future__ import annotations

import importlib.util
import shutil
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = Path(__file__).parent / "catalogue"
PACKAGES = {"relpio": ROOT / "impl/relpio", "halfopen": ROOT / "harness/halfopen"}


class CatalogueError(Exception):
    """An entry of the catalogue that cannot be used; the text says which and why."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One bug, put in by replacing a text that occurs exactly once in its module.

    Attributes:
        name: unique in the catalogue.
        group: name of its file in the catalogue.
        bug: what is wrong with the mutant, in one sentence.
        file: the module, below `impl/` or `harness/`, such as `relpio/net/sockopts.py`.
        old: the text to replace.
        new: the text to put there.
        test: the test that must fail, as pytest names it below `tests/`; or:
        scenario: the file that must fail, below `scenarios/` and without `.scenario.yaml`,
        variant: with its variant,
        check: in this check.
        says: what the evidence must speak of: in the failure of the test, or the check's reason.
        slow: the test runs with `make mutants` only.
    """

    name: str
    group: str
    bug: str
    file: str
    old: str
    new: str
    says: str
    test: str = ""
    scenario: str = ""
    variant: str = ""
    check: str = ""
    slow: bool = False

    @property
    def package(self) -> str:
        """`relpio` or `halfopen`."""
        return self.file.partition("/")[0]

    @property
    def quick(self) -> bool:
        """A unit test catches it, fast enough for `make test`."""
        return self.test.startswith("unit/") and not self.slow

    @property
    def scenario_file(self) -> Path:
        """The file that must fail."""
        return ROOT / "scenarios" / f"{self.scenario}.scenario.yaml"

    @property
    def catcher(self) -> str:
        """Where it is caught, for a person."""
        if self.test:
            return f"tests/{self.test}"
        return f"scenarios/{self.scenario}, variant {self.variant}, check {self.check}"

    def source(self) -> str:
        """The text of the mutated module.

        Raises:
            CatalogueError: the text to replace does not occur exactly once.
        """
        module = PACKAGES[self.package].parent / self.file
        text = module.read_text() if module.exists() else ""
        if (count := text.count(self.old)) != 1:
            raise CatalogueError(
                f"{self.group}.toml: {self.name}: {self.file} has the text to replace {count} "
                "times; it must occur exactly once"
            )
        return text.replace(self.old, self.new)

    def breed(self, directory: Path) -> Path:
        """Write the mutated package below `directory`; returns what to put into PYTHONPATH."""
        source = self.source()
        original = PACKAGES[self.package]
        # With what was compiled: it is valid for all modules but the one that changes.
        shutil.copytree(original, directory / original.name)
        module = directory / self.file
        module.write_text(source)
        Path(importlib.util.cache_from_source(str(module))).unlink(missing_ok=True)
        return directory


def load_catalogue() -> list[Mutant]:
    """All mutants, ordered by file and place in it.

    Raises:
        CatalogueError: an entry lacks something, or two have one name.
    """
    found: dict[str, Mutant] = {}
    for path in sorted(CATALOGUE.glob("*.toml")):
        for name, entry in tomllib.loads(path.read_text()).items():
            if name in found:
                raise CatalogueError(f"{path.name}: {name} is in {found[name].group}.toml too")
            found[name] = _mutant(path, name, entry)
    return list(found.values())


def _mutant(path: Path, name: str, entry: dict[str, str]) -> Mutant:
    known = {field.name for field in fields(Mutant)} - {"name", "group"}
    if unknown := entry.keys() - known:
        raise CatalogueError(f"{path.name}: {name}: unknown key {', '.join(sorted(unknown))}")
    try:
        mutant = Mutant(name=name, group=path.stem, **entry)  # type: ignore[arg-type]
    except TypeError as error:
        raise CatalogueError(f"{path.name}: {name}: {error}") from None
    if bool(mutant.test) == bool(mutant.scenario and mutant.variant and mutant.check):
        raise CatalogueError(
            f"{path.name}: {name}: needs a test, or a scenario with variant and check"
        )
    return mutant
