import os
import py_compile
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from halfopen.labs.warp import bytecode


def _compile(source: Path) -> Path:
    compiled = py_compile.compile(str(source), doraise=True)
    assert compiled is not None
    return Path(compiled)


def _compiled(source: Path) -> bytes | None:
    file = Path(cache_from_source(str(source)))
    return file.read_bytes() if file.exists() else None


@pytest.fixture
def module(tmp_path: Path) -> Path:
    source = tmp_path / "package" / "module.py"
    source.parent.mkdir()
    source.write_text("ONE = 1\n")
    return source


def test_what_is_missing_is_compiled(module: Path, tmp_path: Path) -> None:
    bytecode.compile_below(tmp_path)
    assert _compiled(module) is not None


@pytest.mark.parametrize("change", ["time", "size", "version", "torn"])
def test_what_is_stale_is_compiled_again(change: str, module: Path, tmp_path: Path) -> None:
    file = _compile(module)
    if change == "time":
        os.utime(module, (1000, 1000))
    elif change == "size":
        then = module.stat().st_mtime
        module.write_text("ONE = 10\n")
        os.utime(module, (then, then))
    elif change == "version":
        file.write_bytes(b"\0" + file.read_bytes()[1:])
    else:
        file.write_bytes(file.read_bytes()[:7])
    before = _compiled(module)
    bytecode.compile_below(tmp_path)
    assert _compiled(module) != before


def test_what_is_compiled_is_left(module: Path, tmp_path: Path) -> None:
    file = _compile(module)
    os.utime(file, (1000, 1000))
    bytecode.compile_below(tmp_path)
    assert file.stat().st_mtime == 1000


def test_a_module_with_a_mistake_does_not_end_the_run(module: Path, tmp_path: Path) -> None:
    module.write_text("def\n")
    bytecode.compile_below(tmp_path)
    assert _compiled(module) is None


def test_python_may_be_told_to_write_none(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[Path] = []
    monkeypatch.setattr(bytecode, "compile_below", compiled.append)
    for told_not_to in (True, False):
        bytecode.compile_packages.cache_clear()
        monkeypatch.setattr("sys.dont_write_bytecode", told_not_to)
        bytecode.compile_packages()
        assert bool(compiled) is not told_not_to
    bytecode.compile_packages.cache_clear()
    assert {each.name for each in compiled} == {"halfopen", "relpio"}
