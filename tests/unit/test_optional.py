"""Packages that only some features need."""

from __future__ import annotations

import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from halfopen import optional
from halfopen.optional import PACKAGES, OptionalPackage

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_its_extra_brings_it_and_the_core_does_not(package: OptionalPackage) -> None:
    extras = PROJECT["optional-dependencies"]
    assert [each.startswith(package.name) for each in extras[package.extra]] == [True]
    assert not any(each.startswith(package.name) for each in PROJECT["dependencies"])
    assert package.extra in extras["all"][0]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_it_says_what_is_missing_and_how_to_get_it(
    package: OptionalPackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert package.missing() == ()
    monkeypatch.setattr(
        optional, "find_spec", lambda name: None if name == package.module else find_spec(name)
    )
    assert package.missing() == (
        f"the Python package {package.name} is missing: `pip install {package.name}`",
    )
