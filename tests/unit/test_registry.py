"""What one adds in a file is found; a file that adds nothing is a programming error."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from halfopen import registry
from halfopen.errors import UsageError
from halfopen.labs import all_labs, lab_named


class Kind:
    """What the modules of these tests define."""

    def __init__(self, name: str = "") -> None:
        self.name = name


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """Name of an empty package that is there for one test."""
    monkeypatch.syspath_prepend(tmp_path)
    name = f"found_{abs(hash(request.node.name))}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    return name


def modules(tmp_path: Path, package: str, **texts: str) -> ModuleType:
    for name, text in texts.items():
        path = tmp_path / package / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(f"from {__name__} import Kind\n{text}\n")
    importlib.invalidate_caches()
    return importlib.import_module(package)


def test_classes_are_found_by_their_names(tmp_path: Path, package: str) -> None:
    made = modules(
        tmp_path,
        package,
        b="class B(Kind): name = 'x'",
        a="class A(Kind): name = 'y'\nclass C(Kind): name = 'a'",
        _private="class D(Kind): name = 'd'",
    )
    assert [each.__name__ for each in registry.classes(made, Kind)] == ["A", "C", "B"]
    assert list(registry.discover(made, Kind)) == ["a", "x", "y"]


def test_a_module_without_a_class_or_with_a_name_that_is_taken_is_an_error(
    tmp_path: Path, package: str
) -> None:
    made = modules(tmp_path, package, a="class A(Kind): name = 'x'", b="class B(Kind): name = 'x'")
    with pytest.raises(TypeError, match=r"the name 'x' is taken by .*\.A"):
        registry.discover(made, Kind)
    modules(tmp_path, package, c="")
    with pytest.raises(TypeError, match=r"\.c defines no class derived from Kind"):
        registry.classes(made, Kind)


def test_instances_are_found_one_by_one_or_as_a_tuple(tmp_path: Path, package: str) -> None:
    made = modules(
        tmp_path, package, a="IT = (Kind('c'), Kind('a'))", b="IT = Kind('b')", _private=""
    )
    assert [each.name for each in registry.instances(made, "IT", Kind)] == ["c", "a", "b"]
    assert list(registry.instances_by_name(made, "IT", Kind)) == ["a", "b", "c"]
    modules(tmp_path, package, c="IT = ()")
    with pytest.raises(TypeError, match=r"\.c: IT is not a Kind"):
        registry.instances(made, "IT", Kind)


def test_instances_may_be_in_one_module_of_each_subpackage(tmp_path: Path, package: str) -> None:
    made = modules(tmp_path, package, one__lab="IT = Kind('one')", two__other="", three="")
    (found,) = registry.instances(made, "IT", Kind, within="lab")
    assert found.name == "one"
    modules(tmp_path, package, four__lab="IT = 4")
    with pytest.raises(TypeError, match=r"four\.lab: IT is not a Kind"):
        registry.instances(made, "IT", Kind, within="lab")


def test_a_lab_is_looked_up_by_its_name() -> None:
    assert list(all_labs()) == ["docker", "netns", "warp"]
    assert lab_named("netns") is all_labs()["netns"]
    with pytest.raises(UsageError, match=r"unknown lab 'netn'; did you mean 'netns'\?"):
        lab_named("netn")
