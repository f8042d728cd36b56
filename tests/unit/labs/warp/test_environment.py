import shutil
from pathlib import Path

import pytest

from halfopen.labs.warp import environment
from halfopen.labs.warp.environment import guest_environment, link_tools


def test_the_locale_is_the_same_for_everybody() -> None:
    tools = Path("/tools")
    german = {"LANG": "de_DE.UTF-8", "LC_TIME": "de_DE.UTF-8", "LANGUAGE": "de", "JAVA_HOME": "/j"}
    found = guest_environment(german, tools)
    assert found == guest_environment({"LC_ALL": "C", "JAVA_HOME": "/j"}, tools)
    assert (found["LC_ALL"], found["JAVA_HOME"]) == ("C.UTF-8", "/j")


def test_python_writes_no_compiled_files_and_hashes_alike() -> None:
    found = guest_environment({"PYTHONHASHSEED": "random"}, Path("/tools"))
    assert (found["PYTHONHASHSEED"], found["PYTHONDONTWRITEBYTECODE"]) == ("0", "1")


def test_a_name_that_no_shell_can_export_is_left_out() -> None:
    assert "BASH_FUNC_x%%" not in guest_environment({"BASH_FUNC_x%%": "() { :; }"}, Path("/tools"))


def test_tools_are_found_in_the_first_directory(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    link_tools(tools)
    path = guest_environment({}, tools)["PATH"]
    assert shutil.which("env", path=path) == str(tools / "env")
    assert (tools / "env").resolve() == Path(shutil.which("env") or "").resolve()


def test_a_tool_that_is_missing_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "SEARCH_PATH", str(tmp_path / "empty"))
    link_tools(tmp_path / "tools")
    assert list((tmp_path / "tools").iterdir()) == []
